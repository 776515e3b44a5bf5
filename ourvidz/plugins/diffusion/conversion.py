"""Turns a checkpoint of another layout into a folder in the diffusers layout, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch

from ourvidz.plugins.checkpoints.digest import note_digests
from ourvidz.plugins.checkpoints.found import Progress
from ourvidz.plugins.checkpoints.layout import Layout, read_checkpoint
from ourvidz.plugins.checkpoints.new_folder import check_room, new_folder
from ourvidz.plugins.checkpoints.origins import Origin
from ourvidz.plugins.checkpoints.sums import write_sums
from ourvidz.plugins.diffusion.original_parts import Read, check_tensors
from ourvidz.plugins.diffusion.parts import class_named
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.diffusion.safetensors_writing import (
    Planned,
    json_bytes,
    write_small_file,
    write_weights,
)

#: Most bytes of one file of weights; every file system and uploader takes as many.
LARGEST_FILE = 4 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalPart:
    """A part with weights, as the original has it."""

    source: Path
    """The file that errors name."""
    settings: Mapping[str, Any]
    """What its ``config.json`` is to say."""
    origins: Mapping[str, Origin]
    """By name in the diffusers layout."""
    tensors: Mapping[str, tuple[tuple[int, ...], torch.dtype]]
    """Shape and number format by name in the original."""
    open: Callable[[], AbstractContextManager[Read]]
    dtype: Callable[[str, torch.dtype], torch.dtype]
    """The number format to write, from a name in the diffusers layout and the original's number format."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: one.shape(self.tensors[one.name][0]) for name, one in self.origins.items()}

    def planned(self) -> list[Planned]:
        shapes = self.shapes()
        return [
            Planned(
                name=name, origin=one, shape=shapes[name], dtype=self.dtype(name, self.tensors[one.name][1])
            )
            for name, one in self.origins.items()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """Everything that a checkpoint in the diffusers layout is made of."""

    layout: Layout
    index: Mapping[str, Any]
    """What ``model_index.json`` is to say."""
    parts: Mapping[str, OriginalPart]
    small_files: Mapping[str, bytes | Path] = field(default_factory=dict)
    """Files to write or copy, by their paths in the new folder."""


def write_folder(original: Original, folder: Path, progress: Progress) -> None:
    """Write ``folder``, with a SHA256SUMS of all its files. It appears when it is complete.

    Raises CheckpointExists, DiskFull, and ModelInvalid for tensors that are not those of their part.
    """
    with new_folder(folder) as draft:
        digests: dict[str, str] = {}
        for name, content in original.small_files.items():
            (draft / name).parent.mkdir(exist_ok=True)
            data = content.read_bytes() if isinstance(content, Path) else content
            digests[name] = write_small_file(draft / name, data)
        for name, part in original.parts.items():
            (draft / name).mkdir(exist_ok=True)
            digests[f"{name}/config.json"] = write_small_file(
                draft / name / "config.json", json_bytes(part.settings)
            )
            with quiet_libraries():
                check_tensors(part.source, class_named(*original.index[name]), draft / name, part.shapes())
        digests |= _write_parts(original, draft, progress)
        index = {"_diffusers_version": diffusers.__version__, **original.index}
        digests["model_index.json"] = write_small_file(draft / "model_index.json", json_bytes(index))
        write_sums(draft, digests)
        note_digests(draft, digests)
        read_checkpoint(draft, original.layout)


def _write_parts(original: Original, draft: Path, progress: Progress) -> dict[str, str]:
    planned = {name: part.planned() for name, part in original.parts.items()}
    total, done = sum(one.size for tensors in planned.values() for one in tensors), 0
    check_room(draft, total)
    digests: dict[str, str] = {}
    for name, part in original.parts.items():
        stem = original.layout.parts[name].weights
        assert stem is not None, f"{name} is a part without weights"

        def advance(size: int, stage: str = f"writing {name}") -> None:
            nonlocal done
            done += size
            progress(stage, min(done, total), total)

        with part.open() as read:
            written = write_weights(
                draft / name, stem, planned[name], read, largest=LARGEST_FILE, advance=advance
            )
        digests |= {f"{name}/{file}": digest for file, digest in written.items()}
    return digests
