"""Teaches the text encoder of the small WAN checkpoint to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import torch
from transformers import UMT5EncoderModel

from training.reading import teach
from training.runs import Run
from training.wan import parts
from training.wan.words import count_words, reader, write_words


@click.command("wan-text")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=9.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--captions", type=click.IntRange(min=2), default=200_000, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), default=128, show_default=True)
@click.option("--learning-rate", "height", type=float, default=2e-3, show_default=True, help="At its height.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_text(
    out: Path, minutes: float, seed: int, captions: int, batch: int, height: float, device: str
) -> None:
    """Teach the text encoder of the small WAN checkpoint to read; write it into OUT/text_encoder."""
    settings = {"seed": seed, "captions": captions, "batch": batch, "height": height}
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    write_words(out / "tokenizer")
    encoder = parts.text_encoder(count_words(out / "tokenizer")).to(device)
    teach(
        run,
        encoder,
        lambda tokens: (parts.embeddings(encoder, tokens), None),
        reader(out / "tokenizer"),
        seed=seed,
        captions=captions,
        batch=batch,
        height=height,
        device=device,
    )
    encoder.half().save_pretrained(out / "text_encoder")


def read_text_encoder(folder: Path) -> Any:
    """Of a checkpoint, or of what :func:`train_text` wrote; in float32."""
    return UMT5EncoderModel.from_pretrained(folder / "text_encoder").float()
