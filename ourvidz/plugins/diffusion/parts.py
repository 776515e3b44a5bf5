"""Brings the parts of a checkpoint into memory, each in its number format, on one device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError

from ourvidz.plugins.checkpoints.digest import part_digest
from ourvidz.plugins.checkpoints.layout import Checkpoint
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.shared_parts import SharedParts


def load_parts(
    checkpoint: Checkpoint, dtypes: Mapping[str, torch.dtype], device: torch.device, shared: SharedParts
) -> dict[str, Any]:
    """Load every part that the checkpoint's layout names, by name.

    ``dtypes`` has the number format of each part with weights. Parts with weights that another
    model in memory was made of are not loaded again. Raises ModelInvalid naming the part that is wrong.
    """
    index = json.loads((checkpoint.folder / "model_index.json").read_bytes())
    with quiet_libraries():
        return {
            name: _part(checkpoint, name, index[name][1], dtypes.get(name), device, shared)
            for name in checkpoint.layout.parts
        }


def _part(
    checkpoint: Checkpoint,
    name: str,
    class_name: str,
    dtype: torch.dtype | None,
    device: torch.device,
    shared: SharedParts,
) -> Any:
    part_class = getattr(diffusers, class_name, None) or getattr(transformers, class_name, None)
    if part_class is None:
        raise ModelInvalid(
            f"{checkpoint.folder / name}: neither diffusers nor transformers has a {class_name}; update them"
        )
    if dtype is None:
        return _without_weights(checkpoint, name, part_class)
    key = (class_name, part_digest(checkpoint, name), dtype, device)
    return shared.get(key, partial(_with_weights, checkpoint, name, part_class, dtype, device))


def _without_weights(checkpoint: Checkpoint, name: str, part_class: Any) -> Any:
    folder = checkpoint.folder / name
    try:
        return part_class.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, LookupError, RuntimeError) as error:
        raise ModelInvalid(f"{folder} cannot be loaded as a {part_class.__name__}: {error}") from error


def _with_weights(
    checkpoint: Checkpoint, name: str, part_class: Any, dtype: torch.dtype, device: torch.device
) -> Any:
    folder = checkpoint.folder / name
    try:
        part, report = part_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant=checkpoint.variants[name],
            torch_dtype=dtype,
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, LookupError, RuntimeError, SafetensorError) as error:
        raise ModelInvalid(f"{folder} cannot be loaded as a {part_class.__name__}: {error}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise ModelInvalid(
            f"{folder}: its weights lack {len(missing)} tensors of a {part_class.__name__}, such as "
            f"{missing[0]}; fetch the checkpoint again"
        )
    return part.eval().to(device)
