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
from training.wan.passes import decode, encode
from training.wan.transformer import flow_loss, new_transformer
from training.wan.words import LONGEST, count_words, nothing_tokens, read, reader, write_words
from training.world.captions import describe
from training.world.described import draw_described
from training.world.drawing_lots import scenes
from training.world.painting import paint


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "tokenizer"
    write_words(folder)
    return folder


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
        found = parts.embeddings(
            pipeline.text_encoder, torch.from_numpy(read(pipeline.tokenizer, texts)).long()
        )
    torch.testing.assert_close(found, torch.cat([expected, empty]))


def test_texts_that_say_nothing_are_mostly_empty(tokenizer: Path) -> None:
    nothings = nothing_tokens(tokenizer, seed=1)
    empty = (nothings != 0).sum(axis=1) == 1
    assert empty[0]
    assert 0.6 < empty.mean() < 0.8


def test_the_checkpoint_fits_into_12_mb(tokenizer: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    encoder = parts.text_encoder(count_words(tokenizer))
    write_checkpoint(folder, tokenizer, parts.vae(), parts.transformer(), encoder)
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 11_950_000


def test_a_unit_of_guidance_brings_captions_nearer_to_no_caption(tokenizer: Path) -> None:
    torch.manual_seed(0)
    transformer, encoder = new_transformer(), parts.text_encoder(count_words(tokenizer))
    described = draw_described("unit", 2, moving=True, read=reader(tokenizer))
    assert described.tokens is not None
    tokens = torch.from_numpy(described.tokens)[:, 0].long()
    assert tokens.shape == (2, LONGEST)
    latents = torch.randn(2, 16, 3, 4, 4)
    nothings = torch.from_numpy(nothing_tokens(tokenizer, seed=1))

    def loss(unit: float) -> Any:
        # Of these draws none leaves a caption out.
        draws = torch.Generator().manual_seed(1)
        return flow_loss(transformer, encoder, latents, tokens, nothings, unit=unit, draws=draws)

    # Untrained, all texts say the same: nothing at all.
    assert loss(0.0).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(1.0).item() > 1


def test_a_clip_shows_each_moment_and_a_picture_the_first() -> None:
    described = draw_described("moments", 4, moving=True)
    whole = torch.cat(list(paint(described, (32, 32), "cpu", frames=5, at_once=3)))
    assert whole.shape == (4, 3, 5, 32, 32)
    firsts = torch.cat(list(paint(described, (32, 32), "cpu", at_once=3)))
    torch.testing.assert_close(whole[:, :, :1], firsts)
    assert (whole[:, :, 0] != whole[:, :, 4]).any()
