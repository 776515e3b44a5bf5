"""The checkpoint as a folder in the diffusers layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
from diffusers import AutoencoderKLWan

from ourvidz.plugins.wan.small_checkpoint import model_index
from training.wan import parts


def write_checkpoint(
    folder: Path, tokenizer: Path, vae: AutoencoderKLWan, transformer: Any, text_encoder: Any
) -> None:
    """Write all parts in float16, also those that are computed in float32. The parts are changed to it."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(tokenizer, folder / "tokenizer", dirs_exist_ok=True)
    parts.scheduler().save_pretrained(folder / "scheduler")
    for name, part in (("text_encoder", text_encoder), ("transformer", transformer), ("vae", vae)):
        part.half().save_pretrained(folder / name)
    index = json.dumps(model_index(diffusers.__version__), indent=2)
    (folder / "model_index.json").write_text(index + "\n")
