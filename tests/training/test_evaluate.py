"""An evaluation tells what was measured on what a checkpoint painted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image

from ourvidz.plugins.sdxl.small_checkpoint import write_small_checkpoint
from training.__main__ import COMMANDS, main
from training.evaluate.cases import draw_cases, shuffled
from training.evaluate.sdxl import PicturePainter
from training.evaluate.settings import Settings, read_settings
from training.evaluate.tally import Tally, markdown
from training.world.captions import Claim
from training.world.combinations import held_out, named


def test_every_case_has_a_combination_that_training_never_shows() -> None:
    cases = draw_cases(5, 40)
    assert all(held_out(case.scene) for case in cases)
    assert all(named(case.caption.claims) for case in cases)
    assert draw_cases(5, 10) == cases[:10]
    assert draw_cases(6, 10) != cases[:10]


def test_shuffled_captions_are_of_other_scenes_of_the_same_kind() -> None:
    cases = draw_cases(5, 40)
    for case, other in zip(cases, shuffled(cases), strict=True):
        assert other != case
        assert type(other.scene) is type(case.scene)


def test_a_tally_has_every_class_and_all_of_them() -> None:
    tally = Tally()
    tally.add([Claim("wall", "grey"), Claim("wall", "pink"), Claim("count", 2)], [True, False, True])
    assert tally.figures() == {
        "count": {"count": 1, "right": 1, "share": 1.0},
        "wall": {"count": 2, "right": 1, "share": 0.5},
        "all": {"count": 3, "right": 2, "share": 0.6667},
    }
    assert markdown({"painted": tally.figures(), "control": {}}).splitlines() == [
        "| attribute | painted | control |",
        "| --- | ---: | ---: |",
        "| count | 100.0 of 1 |  |",
        "| wall | 50.0 of 2 |  |",
        "| all | 66.7 of 3 |  |",
    ]


def test_settings_are_those_of_the_job_type() -> None:
    settings = read_settings("sdxl_image_fast")
    assert settings == Settings(steps=15, guidance=6.0, width=1024, height=1024)
    assert settings.varied("guidance=1").guidance == 1.0
    assert settings.varied("size=1216x832").width == 1216
    assert settings.varied("job_type=sdxl_image_premium").height == 1280


def test_a_profile_reduces_a_video_as_a_worker_does() -> None:
    video = read_settings("video_fast", "demo")
    assert (video.width, video.height, video.frames, video.steps) == (240, 416, 33, 15)
    assert read_settings("video_fast").frames == 81


@pytest.mark.parametrize("variant", ["strength=1", "guidance", "size=x", "job_type=no_such"])
def test_an_unknown_variant_is_refused(variant: str) -> None:
    with pytest.raises(ValueError, match=r"found|could not convert"):
        read_settings("sdxl_image_fast").varied(variant)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
def test_an_evaluation_measures_pictures_controls_and_variants(tmp_path: Path) -> None:
    checkpoint, report = tmp_path / "checkpoint", tmp_path / "report.json"
    write_small_checkpoint(checkpoint, seed=0)
    command = f"evaluate sdxl {checkpoint} --prompts 4 --size 64 --variant-prompts 2 --device cpu --repaint"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    done = CliRunner().invoke(main, [*f"{command} --variant seed=1 --out {report}".split()])
    torch.set_num_threads(before)
    assert done.exit_code == 0, done.output
    found = json.loads(report.read_text())
    assert found["settings"]["steps"] == 15
    assert list(found["results"]) == [
        "painted",
        "captions of others",
        "through the VAE",
        "seed=1",
        "strength 0.3: init image",
        "strength 0.3: caption",
        "strength 0.95: init image",
        "strength 0.95: caption",
    ]
    claims = sum(len(case.caption.claims) for case in draw_cases(2024, 4))
    assert found["results"]["painted"]["all"]["count"] == claims
    # Another seed is another picture.
    assert found["differences"]["seed=1"]["least"] > 0
    sheet = np.asarray(Image.open(report.with_suffix(".png")))
    assert sheet.std() > 1
    assert len(report.with_suffix(".txt").read_text().splitlines()) == 4
    table = CliRunner().invoke(main, ["evaluate", "table", str(report), "painted"])
    assert table.output.startswith("| attribute | painted |\n")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
def test_a_vae_may_have_another_factor_and_more_channels(tmp_path: Path) -> None:
    write_small_checkpoint(tmp_path, seed=0)
    vae: Any = AutoencoderKL
    unet: Any = UNet2DConditionModel
    deeper = {
        "latent_channels": 16,
        "down_block_types": ("DownEncoderBlock2D",) * 5,
        "up_block_types": ("UpDecoderBlock2D",) * 5,
        "block_out_channels": (4, 4, 8, 8, 8),
        "norm_num_groups": 2,
    }
    settings = {**vae.load_config(tmp_path / "vae"), **deeper}
    vae.from_config(settings).save_pretrained(tmp_path / "vae")
    settings = {**unet.load_config(tmp_path / "unet"), "in_channels": 16, "out_channels": 16}
    unet.from_config(settings).save_pretrained(tmp_path / "unet")
    painter = PicturePainter(tmp_path, "cpu")
    cases, size = draw_cases(3, 2), Settings(steps=4, guidance=2.0, width=128, height=64)
    painted = [pixels for _, pixels in painter.paint(cases, size)]
    repainted = [pixels for _, _, pixels in painter.repaint(shuffled(cases), cases, size, 0.5)]
    through = [pixels for _, pixels in painter.reconstruct(cases, size)]
    assert {pixels.shape for pixels in (*painted, *repainted, *through)} == {(64, 128, 3)}


def test_every_command_is_there() -> None:
    for name in COMMANDS:
        done = CliRunner().invoke(main, [name, "--help"])
        assert done.exit_code == 0, done.output
    assert "evaluate" in CliRunner().invoke(main, ["--help"]).output
