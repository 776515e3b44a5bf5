"""SDXL checkpoints by what ``ourvidz.yaml`` says of them: a folder, a hub id, or a single file."""

from __future__ import annotations

from pathlib import Path

from ourvidz.plugins.checkpoints.finding import find_checkpoint, kind_of
from ourvidz.plugins.checkpoints.found import FoundCheckpoint
from ourvidz.plugins.checkpoints.layout import Checkpoint
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.plugins.sdxl.single_file import SingleFile, read_single_file, single_file_at
from ourvidz.spec.settings import ModelEntry


def find(model: ModelEntry, root: Path, *, fetch: bool = True) -> Checkpoint | SingleFile:
    """Find a checkpoint and look at every file of it.

    Relative locations start from ``root``; nothing is fetched from the hub unless ``fetch``. Raises
    ModelMissing, ComponentsMissing, ModelInvalid.
    """
    file = single_file_at(model.location, root)
    if file is not None:
        return read_single_file(file, model, root, fetch=fetch)
    if model.components is not None:
        raise ModelInvalid(
            f"{model.location} is no single file and has its own tokenizers and settings, but "
            f"ourvidz.yaml names {model.components} for them; leave components out"
        )
    return find_checkpoint(model.location, root, LAYOUT, fetch=fetch)


def inspect(model: ModelEntry, root: Path) -> FoundCheckpoint:
    """What a checkpoint on this machine is made of. Raises what :func:`find` raises."""
    checkpoint = find(model, root, fetch=False)
    if isinstance(checkpoint, SingleFile):
        return checkpoint.found()
    return checkpoint.found(kind_of(model.location, root))
