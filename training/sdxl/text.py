"""Reads captions with both text encoders; trains them to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from ourvidz.plugins.sdxl.small_checkpoint import published_names
from training.reading import teach
from training.runs import Run
from training.sdxl import parts
from training.world.described import Read

#: Tokens to which captions are cut while they are learnt: the longest has fewer, and what follows a token
#: does not change what is read of it.
CUT = 64


class TextEncoders(nn.Module):
    """Both, side by side."""

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        self.first: Any = first
        self.second: Any = second

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of the words and the pooled one, of B×2×77 tokens, as SDXL's pipeline makes them."""
        first = self.first(tokens[:, 0], output_hidden_states=True)
        second = self.second(tokens[:, 1], output_hidden_states=True)
        return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1), second.text_embeds


def read_text_encoders(folder: Path) -> TextEncoders:
    """Of a checkpoint, or of what :func:`train_text` wrote; in float32."""
    return TextEncoders(
        CLIPTextModel.from_pretrained(folder / "text_encoder").float(),
        CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").float(),
    )


def write_text_encoders(text: TextEncoders, folder: Path) -> None:
    """In float16, to which they are changed."""
    for name, encoder in (("text_encoder", text.first), ("text_encoder_2", text.second)):
        encoder.half()
        encoder.save_pretrained(folder / name, state_dict=published_names(encoder))


def reader(tokenizers: Path) -> Read:
    """Texts to N×2×77 tokens, int16."""
    both = [CLIPTokenizer.from_pretrained(tokenizers / name) for name in ("tokenizer", "tokenizer_2")]

    def read(texts: list[str]) -> np.ndarray[Any, Any]:
        found = [
            tokenizer(texts, padding="max_length", truncation=True, return_tensors="np").input_ids
            for tokenizer in both
        ]
        return np.stack(found, axis=1).astype(np.int16)

    return read


@click.command("sdxl-text")
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
    """Teach the text encoders of the small SDXL checkpoint to read; write them into OUT."""
    settings = {"seed": seed, "captions": captions, "batch": batch, "height": height}
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    parts.write_tokenizers(out)
    text = TextEncoders(*parts.text_encoders(out)).to(device)
    teach(
        run,
        text,
        lambda tokens: text(tokens[..., :CUT]),
        reader(out),
        seed=seed,
        captions=captions,
        batch=batch,
        height=height,
        device=device,
    )
    write_text_encoders(text, out)
