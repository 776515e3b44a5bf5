"""The checkpoint as a folder in the diffusers layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import UMT5EncoderModel

from ourvidz.plugins.wan.small_checkpoint import model_index
from training.wan import parts


def read_checkpoint(folder: Path) -> tuple[WanTransformer3DModel, UMT5EncoderModel]:
    """Transformer and text encoder, in float32."""
    return (
        WanTransformer3DModel.from_pretrained(folder / "transformer").float(),
        UMT5EncoderModel.from_pretrained(folder / "text_encoder").float(),
    )


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
