"""What a worker tells plugins about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """A change in the life of a worker process."""

    kind: Literal["started", "model_loaded", "model_unloaded", "idle", "specs_changed", "stopped"]
    worker: str
    """Host, process id and plugin."""
    detail: str = ""
    """The model's name, the reason of the stop, and the like."""
