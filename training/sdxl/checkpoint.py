"""The checkpoint as a folder in the diffusers layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from ourvidz.plugins.sdxl.small_checkpoint import model_index, published_names
from training.sdxl import parts


def read_checkpoint(folder: Path) -> tuple[Any, Any, Any]:
    """UNet and both text encoders, in float32."""
    return (
        UNet2DConditionModel.from_pretrained(folder / "unet").float(),
        CLIPTextModel.from_pretrained(folder / "text_encoder").float(),
        CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").float(),
    )


def write_checkpoint(
    folder: Path, tokenizers: Path, vae: AutoencoderKL, unet: Any, first: Any, second: Any
) -> None:
    """Write all parts in float16. The parts are changed to it."""
    folder.mkdir(exist_ok=True)
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(tokenizers / name, folder / name, dirs_exist_ok=True)
    parts.scheduler().save_pretrained(folder / "scheduler")
    unet.half().save_pretrained(folder / "unet")
    vae.half().save_pretrained(folder / "vae")
    for name, encoder in (("text_encoder", first), ("text_encoder_2", second)):
        encoder.half()
        encoder.save_pretrained(folder / name, state_dict=published_names(encoder))
    index = json.dumps(model_index(diffusers.__version__), indent=2)
    (folder / "model_index.json").write_text(index + "\n")
