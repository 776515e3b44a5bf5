"""The checkpoint as a folder in the diffusers layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
from diffusers import AutoencoderKL

from ourvidz.plugins.sdxl.small_checkpoint import model_index
from training.sdxl import parts
from training.sdxl.text import TextEncoders, write_text_encoders


def write_checkpoint(
    folder: Path, tokenizers: Path, vae: AutoencoderKL, unet: Any, text: TextEncoders
) -> None:
    """Write all parts in float16. The parts are changed to it."""
    folder.mkdir(exist_ok=True)
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(tokenizers / name, folder / name, dirs_exist_ok=True)
    parts.scheduler().save_pretrained(folder / "scheduler")
    unet.half().save_pretrained(folder / "unet")
    vae.half().save_pretrained(folder / "vae")
    write_text_encoders(text, folder)
    index = json.dumps(model_index(diffusers.__version__), indent=2)
    (folder / "model_index.json").write_text(index + "\n")
