"""SDXL base 1.0 in memory with random weights, to be measured without its checkpoint."""

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
from ourvidz.plugins.sdxl import published
from ourvidz.plugins.sdxl.loading import assemble, default_precision, part_dtype, sdxl_fingerprint
from ourvidz.plugins.sdxl.pipeline import SdxlModel
from ourvidz.plugins.sdxl.small_vocabulary import END, write_tokenizer


def makers(settings: Settings) -> dict[str, Callable[[], Any]]:
    """What constructs each part with weights."""
    clip = transformers.CLIPTextConfig
    return {
        "text_encoder": lambda: transformers.CLIPTextModel(clip(**settings["text_encoder"])),
        "text_encoder_2": lambda: transformers.CLIPTextModelWithProjection(
            clip(**settings["text_encoder_2"])
        ),
        "unet": lambda: diffusers.UNet2DConditionModel(**settings["unet"]),
        "vae": lambda: diffusers.AutoencoderKL(**settings["vae"]),
    }


def load_random(context: LoadContext, *, seed: int, settings: Settings = published.SETTINGS) -> SdxlModel:
    """Build the model of these settings. Raises DeviceMissing, DeviceTooSmall.

    The tokenizers are those of the small checkpoint, whose few words fit into CLIP's vocabulary: a
    prompt is 77 tokens either way.
    """
    device = choose_device(context.device)
    precision = context.precision or default_precision(device)
    parts = {
        name: RandomPart(make=make, dtype=part_dtype(name, precision, settings["vae"]))
        for name, make in makers(settings).items()
    }
    pipeline = assemble(
        {
            **random_parts(parts, device, seed=seed),
            "scheduler": diffusers.EulerDiscreteScheduler(**published.SCHEDULER),
            "tokenizer": _tokenizer(pad=END),
            "tokenizer_2": _tokenizer(pad="!"),
        }
    )
    fingerprint = sdxl_fingerprint(pipeline, f"random:{seed}", device, precision)
    return SdxlModel(pipeline, context, device=device, fingerprint=fingerprint)


def _tokenizer(*, pad: str) -> Any:
    with tempfile.TemporaryDirectory(prefix="ourvidz-") as parent:
        folder = Path(parent) / "tokenizer"
        write_tokenizer(folder, WORDS.split(), pad=pad)
        return transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
