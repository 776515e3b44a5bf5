"""WAN 2.1 T2V 1.3B in memory with random weights, to be measured without its checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import transformers

from ourvidz.plugins.checkpoints.small_words import WORDS
from ourvidz.plugins.diffusion.devices import choose_device
from ourvidz.plugins.diffusion.random_parts import RandomPart, Settings, random_parts
from ourvidz.plugins.family import LoadContext
from ourvidz.plugins.wan import published
from ourvidz.plugins.wan.loading import assemble, default_precision, part_dtypes, wan_fingerprint
from ourvidz.plugins.wan.pipeline import WanModel
from ourvidz.plugins.wan.small_vocabulary import write_tokenizer


def makers(settings: Settings) -> dict[str, Callable[[], Any]]:
    """What constructs each part with weights."""
    return {
        "text_encoder": lambda: transformers.UMT5EncoderModel(
            transformers.UMT5Config(**settings["text_encoder"])
        ),
        "transformer": lambda: diffusers.WanTransformer3DModel(**settings["transformer"]),
        "vae": lambda: diffusers.AutoencoderKLWan(**settings["vae"]),
    }


def load_random(context: LoadContext, *, seed: int, settings: Settings = published.SETTINGS) -> WanModel:
    """Build the model of these settings. Raises DeviceMissing, DeviceTooSmall.

    The tokenizer is that of the small checkpoint, whose few words fit into UMT5's vocabulary: the text
    encoder reads a prompt at one length, filled up.
    """
    device = choose_device(context.device)
    precision = context.precision or default_precision(device)
    dtypes = part_dtypes(precision)
    parts = {name: RandomPart(make=make, dtype=dtypes[name]) for name, make in makers(settings).items()}
    pipeline = assemble(
        {
            **random_parts(parts, device, seed=seed),
            "scheduler": diffusers.UniPCMultistepScheduler(**published.SCHEDULER),
            "tokenizer": _tokenizer(),
        }
    )
    fingerprint = wan_fingerprint(pipeline, f"random:{seed}", device, precision)
    return WanModel(pipeline, device=device, fingerprint=fingerprint)


def _tokenizer() -> Any:
    with tempfile.TemporaryDirectory(prefix="ourvidz-") as parent:
        folder = Path(parent) / "tokenizer"
        write_tokenizer(folder, WORDS.split())
        return transformers.T5TokenizerFast.from_pretrained(folder, local_files_only=True)
