"""Training the small SDXL checkpoint, at sizes at which a step takes a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from diffusers import AutoencoderKL, StableDiffusionXLPipeline

from training.__main__ import main
from training.sdxl import captioned, parts, unet, vae
from training.sdxl.pictures import Pictures

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(autouse=True)
def toy_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae, "SIDE", 32)
    monkeypatch.setattr(vae, "LARGE", 64)
    monkeypatch.setattr(vae, "CHECKED", 4)
    monkeypatch.setattr(captioned, "AT_ONCE", 4 * 64 * 64)
    monkeypatch.setattr(unet, "FULL", 64 * 64)
    monkeypatch.setitem(unet.SIZES, "all", {(64, 64): (0.5, 8), (64, 96): (0.5, 8)})


@pytest.fixture
def trained_vae(tmp_path: Path) -> Path:
    train("sdxl-vae", tmp_path / "vae")
    return tmp_path / "vae" / "vae"


@pytest.fixture
def taught_text(tmp_path: Path) -> Path:
    train("sdxl-text", tmp_path / "text")
    return tmp_path / "text"


def train(command: str, out: Path, *options: str | Path) -> Result:
    sizes = {
        "sdxl-text": ["--captions", "2304", "--batch", "2"],
        "sdxl-vae": ["--scenes", "4", "--batch", "2"],
        "sdxl-unet": ["--batch", "1"],
    }
    arguments = [command, "--out", out, "--minutes", "0.005", "--device", "cpu", *sizes[command], *options]
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_a_vae_comes_out_with_latents_of_the_spread_that_the_unet_expects(trained_vae: Path) -> None:
    made = AutoencoderKL.from_pretrained(trained_vae).float()
    pictures = Pictures(3, 4, 64, "cpu").whole(0, 4) * 2 - 1
    with torch.no_grad():
        latents = made.encode(pictures).latent_dist.mode() * made.config.scaling_factor
    assert latents.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.0] * parts.CHANNELS, abs=0.02)
    assert latents.std(dim=(0, 2, 3)).tolist() == pytest.approx(
        [parts.LATENT_SPREAD] * parts.CHANNELS, rel=0.02
    )


def test_normalising_latents_leaves_what_is_painted_as_it_was() -> None:
    torch.manual_seed(1)
    made = parts.vae().eval()
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        before = made.decode(made.encode(pictures).latent_dist.mode()).sample
        vae._normalise(made, torch.randn(parts.CHANNELS), 0.2 + torch.rand(parts.CHANNELS))
        after = made.decode(made.encode(pictures).latent_dist.mode()).sample
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_the_decoder_alone_is_trained_if_wanted(trained_vae: Path, tmp_path: Path) -> None:
    train("sdxl-vae", tmp_path / "decoder", "--begin", trained_vae, "--decoder-only")
    before, after = (
        AutoencoderKL.from_pretrained(one) for one in (trained_vae, tmp_path / "decoder" / "vae")
    )
    assert all(map(torch.equal, before.encoder.parameters(), after.encoder.parameters()))
    assert torch.equal(before.quant_conv.weight, after.quant_conv.weight)
    assert not torch.equal(before.decoder.conv_in.weight, after.decoder.conv_in.weight)


def test_a_checkpoint_comes_out_that_paints_and_from_which_training_goes_on(
    trained_vae: Path, taught_text: Path, tmp_path: Path
) -> None:
    given = "--vae", trained_vae, "--text", taught_text
    train("sdxl-unet", tmp_path / "first", *given)
    checkpoint = tmp_path / "first" / "checkpoint"
    assert sum(file.stat().st_size for file in checkpoint.rglob("*") if file.is_file()) <= 12_000_000
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        checkpoint, dtype=torch.float32, add_watermarker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a red sphere", height=64, width=96, num_inference_steps=2, output_type="pt").images
    assert image.shape == (1, 3, 64, 96)
    assert image.isfinite().all()
    train("sdxl-unet", tmp_path / "second", *given, "--begin", checkpoint, "--unit", "0.5")
    assert (tmp_path / "second" / "checkpoint" / "model_index.json").is_file()


def test_a_run_goes_on_from_its_saved_state(tmp_path: Path) -> None:
    out = tmp_path / "vae"
    train("sdxl-vae", out)
    steps = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"]
    assert steps > 0
    assert (out / "curves.png").stat().st_size > 0
    state = torch.load(out / "state.pt", weights_only=True)
    # As if it had been interrupted half way.
    state["seconds"] = 0.0
    torch.save(state, out / "state.pt")
    train("sdxl-vae", out)
    assert json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"] > steps


def test_another_run_does_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    train("sdxl-vae", tmp_path / "vae")
    arguments = ["sdxl-vae", "--out", str(tmp_path / "vae"), "--seed", "2"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "settings.json: found a run with other settings" in result.output


def test_every_word_of_a_caption_is_one_token(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    from training.world.captions import vocabulary

    parts.write_tokenizers(tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path / "tokenizer")
    assert {word: len(tokenizer.tokenize(word)) for word in vocabulary()} == dict.fromkeys(vocabulary(), 1)


def test_the_noise_schedule_ends_without_any_signal() -> None:
    assert parts.scheduler().alphas_cumprod[999] < 1e-6


def test_a_picture_has_many_steps_where_it_is_settled_what_is_where() -> None:
    scheduler = parts.scheduler()
    scheduler.set_timesteps(15)
    assert sum(6 <= level / parts.LATENT_SPREAD <= 60 for level in scheduler.sigmas.tolist()) >= 6
