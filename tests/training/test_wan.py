"""The training of the small WAN checkpoint: what it trains is what the pipeline will use."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import WanPipeline
from transformers import T5TokenizerFast

from training.wan import parts
from training.wan.checkpoint import write_checkpoint
from training.wan.clips import paint
from training.wan.passes import decode, encode
from training.wan.portions import draw
from training.wan.transformer import Denoiser, flow_loss, new_denoiser
from training.wan.words import LONGEST, count_words, nothing_tokens, read, write_words
from training.world.captions import describe
from training.world.drawing_lots import scenes


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "tokenizer"
    write_words(folder)
    return folder


@pytest.fixture(scope="module")
def model(tokenizer: Path) -> Denoiser:
    torch.manual_seed(0)
    return new_denoiser(count_words(tokenizer))


def test_clips_pass_through_the_vae_as_the_class_itself_passes_them() -> None:
    vae = parts.vae().eval()
    frames = torch.rand(1, 3, 9, 32, 16) * 2 - 1
    with torch.no_grad():
        mean, _ = encode(vae, frames)
        assert mean.shape == (1, 16, 3, 4, 2)
        torch.testing.assert_close(mean, vae.encode(frames).latent_dist.mean)
        torch.testing.assert_close(decode(vae, mean).clamp(-1, 1), vae.decode(mean).sample)


def test_gradients_reach_every_weight_of_the_vae() -> None:
    vae = parts.vae()
    mean, logvar = encode(vae, torch.rand(1, 3, 9, 16, 16) * 2 - 1)
    (decode(vae, mean).square().mean() + logvar.mean()).backward()  # type: ignore[no-untyped-call]
    assert [name for name, one in vae.named_parameters() if one.grad is None] == []


def test_every_caption_is_made_of_whole_words(tokenizer: Path) -> None:
    words = T5TokenizerFast.from_pretrained(tokenizer)
    lots = random.Random(1)
    for _, scene in zip(range(300), scenes(1, moving=True), strict=False):
        pieces = words.tokenize(describe(scene, lots).text.capitalize())
        assert [piece for piece in pieces if not piece.startswith("▁") and piece != ","] == []


def test_texts_are_read_as_the_pipeline_reads_them(tokenizer: Path, tmp_path: Path) -> None:
    texts = ["A red sphere rolls left.", ""]
    folder = tmp_path / "checkpoint"
    write_checkpoint(
        folder, tokenizer, parts.vae(), parts.transformer(), parts.text_encoder(count_words(tokenizer))
    )
    pipeline = WanPipeline.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        expected, empty = pipeline.encode_prompt(texts[0], negative_prompt="", max_sequence_length=512)
        found = parts.embeddings(pipeline.text_encoder, read(pipeline.tokenizer, texts))
    torch.testing.assert_close(found, torch.cat([expected, empty]))


def test_texts_that_say_nothing_are_mostly_empty(tokenizer: Path) -> None:
    nothings = nothing_tokens(tokenizer, seed=1)
    empty = (nothings != 0).sum(dim=1) == 1
    assert empty[0]
    assert 0.6 < empty.float().mean() < 0.8


def test_the_checkpoint_fits_into_12_mb(tokenizer: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    encoder = parts.text_encoder(count_words(tokenizer))
    write_checkpoint(folder, tokenizer, parts.vae(), parts.transformer(), encoder)
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 11_950_000


def test_a_unit_of_guidance_brings_captions_nearer_to_no_caption(tokenizer: Path, model: Denoiser) -> None:
    [portion] = draw("unit", 2, moving=True, tokenizer=tokenizer)
    assert portion.tokens is not None
    tokens = torch.from_numpy(portion.tokens)[:, 0].long()
    assert tokens.shape == (2, LONGEST)
    latents = torch.randn(2, 16, 3, 4, 4)
    nothings = nothing_tokens(tokenizer, seed=1)

    def loss(unit: float) -> Any:
        # Of these draws none leaves a caption out.
        draws = torch.Generator().manual_seed(1)
        return flow_loss(model, latents, tokens, nothings, unit=unit, draws=draws)

    # Untrained, all texts say the same: nothing at all.
    assert loss(0.0).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(1.0).item() > 1


def test_a_clip_shows_each_moment_and_a_picture_the_first() -> None:
    [portion] = draw("moments", 4, moving=True)
    whole = paint(portion, (32, 32), "cpu", 5)
    assert whole.shape == (4, 3, 5, 32, 32)
    torch.testing.assert_close(whole[:, :, :1], paint(portion, (32, 32), "cpu", 1))
    assert (whole[:, :, 0] != whole[:, :, 4]).any()
