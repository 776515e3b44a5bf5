"""What a worker tells plugins about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``specs_changed``: files of job types or settings did; the worker goes by them if they are sound.
#: ``job_type_stopped``: its model failed again and again, so it takes no jobs for a while.
WorkerEventKind = Literal[
    "started",
    "model_loaded",
    "model_unloaded",
    "idle",
    "specs_changed",
    "job_type_stopped",
    "job_type_resumed",
    "stopped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """A change in the life of a worker process."""

    kind: WorkerEventKind
    worker: str
    """Host, process id and model family."""
    detail: str = ""
    """The model's or the job type's name for the kinds that are about one; empty for every other kind."""
