"""What a worker tells plugins about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WorkerEventKind = Literal["started", "model_loaded", "model_unloaded", "idle", "specs_changed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """A change in the life of a worker process."""

    kind: WorkerEventKind
    worker: str
    """Host, process id and model family."""
    detail: str = ""
    """The model's name for ``model_loaded`` and ``model_unloaded``."""
