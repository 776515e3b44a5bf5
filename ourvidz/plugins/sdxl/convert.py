"""Converts SDXL from a single file to a folder in the diffusers layout."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from ourvidz.plugins.checkpoints.found import Progress
from ourvidz.plugins.diffusion.conversion import Original, OriginalPart, write_folder
from ourvidz.plugins.diffusion.devices import DTYPES
from ourvidz.plugins.diffusion.original_parts import number_format, reading_safetensors
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.plugins.sdxl.single_file import SingleFile, read_single_file, single_file_at
from ourvidz.spec.settings import ModelEntry, Precision


def convert(
    source: Path, folder: Path, precision: Precision | None, components: str | None, progress: Progress
) -> None:
    """Write the checkpoint in the file ``source`` as ``folder`` in the diffusers layout.

    Without ``precision``, numbers stay as the file has them; the VAE's always do. Raises
    CheckpointExists, DiskFull, ModelMissing, ModelInvalid.
    """
    model = ModelEntry(family=LAYOUT.family, location=str(source), components=components)
    file = single_file_at(model.location, Path.cwd())
    if file is None:
        raise ModelInvalid(f"{source} is no single file; only a .safetensors file needs to be converted")
    single = read_single_file(file, model, Path.cwd())
    copied = single.components
    settings = {f"{part}/{LAYOUT.parts[part].config}" for part in LAYOUT.weighty}
    index = {"_class_name": LAYOUT.pipeline, **copied.index()}
    write_folder(
        Original(
            layout=LAYOUT,
            index=index,
            parts={part: _part(single, part, precision) for part in LAYOUT.weighty},
            small_files={
                name: copied.folder / name
                for name in copied.files
                if name != "model_index.json" and name not in settings
            },
        ),
        folder,
        progress,
    )


def _part(single: SingleFile, part: str, precision: Precision | None) -> OriginalPart:
    origins = single.origins[part]
    tensors = {one.name: single.tensors[one.name] for one in origins.values()}
    wanted = None if part == "vae" or precision is None else DTYPES[precision]
    return OriginalPart(
        source=single.file,
        settings=single.components.settings(part),
        origins=origins,
        tensors={name: (one.shape, number_format(one, single.file)) for name, one in tensors.items()},
        open=partial(reading_safetensors, single.file),
        dtype=lambda _, own: wanted or _writable(own),
    )


def _writable(own: torch.dtype) -> torch.dtype:
    """Of number formats that no part is kept in, the next better one."""
    better = {
        torch.float64: torch.float32,
        torch.float8_e4m3fn: torch.float16,
        torch.float8_e5m2: torch.float16,
    }
    return better.get(own, own)
