"""WAN checkpoints by what ``ourvidz.yaml`` says of them: a folder or a hub id."""

from __future__ import annotations

from pathlib import Path

from ourvidz.plugins.checkpoints.finding import find_checkpoint
from ourvidz.plugins.checkpoints.layout import Checkpoint
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.original import refuse_original
from ourvidz.spec.settings import ModelEntry


def find(model: ModelEntry, root: Path, *, fetch: bool = True) -> Checkpoint:
    """Find a checkpoint and look at every file of it.

    Relative locations start from ``root``; nothing is fetched from the hub unless ``fetch``. Raises
    ModelMissing, and ModelInvalid, which for a folder as WAN's authors publish it has the command that
    converts it.
    """
    if model.components is not None:
        raise ModelInvalid(
            f"{model.location}: a WAN checkpoint has its own tokenizer and settings, but ourvidz.yaml names "
            f"{model.components} for them; leave components out"
        )
    refuse_original(model.location, root)
    return find_checkpoint(model.location, root, LAYOUT, fetch=fetch)
