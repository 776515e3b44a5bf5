"""WAN checkpoints by what ``ourvidz.yaml`` says of them: a folder or a hub id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
    checkpoint = find_checkpoint(model.location, root, LAYOUT, fetch=fetch)
    if problems := list(_problems(checkpoint)):
        raise ModelInvalid("\n".join(problems))
    return checkpoint


def own_flow_shift(settings: Mapping[str, Any]) -> float | None:
    """The time shift in a scheduler's settings: ``flow_shift`` of UniPC, ``shift`` of flow-matching ones."""
    for name in ("flow_shift", "shift"):
        value = settings.get(name)
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return None


def _problems(checkpoint: Checkpoint) -> Iterator[str]:
    """What diffusers loads, and is not WAN 2.1."""
    index = checkpoint.index()
    # WAN 2.2 has the same pipeline class, but two transformers or a timestep for each token.
    second = index.get("transformer_2") or [None, None]
    if second != [None, None] or index.get("boundary_ratio") is not None or index.get("expand_timesteps"):
        path = checkpoint.folder / "model_index.json"
        yield f"{path}: this is a WAN 2.2 checkpoint, expected WAN 2.1, of one transformer"
    settings = checkpoint.settings("scheduler")
    if own_flow_shift(settings) is None:
        path = checkpoint.folder / "scheduler" / LAYOUT.parts["scheduler"].config
        name = settings.get("_class_name", "a scheduler")
        yield f"{path}: the settings of {name} have no flow_shift above 0, expected WAN's own"
