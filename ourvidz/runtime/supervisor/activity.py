"""What a worker is doing, by what it tells, and how long it may do so without another word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Doing = Literal["starting", "loading", "ready", "working"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentJob:
    """A job that a worker is making."""

    id: str
    type: str
    attempt: int
    stage: str = ""
    """What is being done; empty before the first step."""
    step: int = 0
    steps: int = 0


class Activity:
    """Follows one process from its start, event by event as ``run-worker --json`` has them."""

    def __init__(self, *, loading: float, timeout: Callable[[str], float | None]) -> None:
        """``loading``: seconds that a start or a load may take; ``timeout``: of a job type, by its id."""
        self.job: CurrentJob | None = None
        self.is_ready = False
        self._loading, self._timeout = loading, timeout
        self._is_loading = False

    @property
    def doing(self) -> Doing:
        if self._is_loading:
            return "loading"
        if self.job is not None:
            return "working"
        return "ready" if self.is_ready else "starting"

    @property
    def limit(self) -> float | None:
        """Seconds until another event has to come; None: it may be silent for ever."""
        if self.doing == "ready":
            return None
        if self.doing == "working" and self.job is not None:
            return self._timeout(self.job.type)
        return self._loading

    def hear(self, kind: str, values: Mapping[str, Any]) -> None:
        """Something has happened. Raises KeyError for an event without its values."""
        if kind == "model_loading":
            self._is_loading = True
        elif kind == "model_loaded":
            self._is_loading = False
        elif kind == "ready":
            self.is_ready = True
        elif kind == "job_started":
            self._is_loading = False
            self.job = CurrentJob(id=values["jobId"], type=values["jobType"], attempt=values["attempt"])
        elif kind == "step" and self.job is not None:
            self._is_loading = False
            self.job = CurrentJob(
                id=self.job.id,
                type=self.job.type,
                attempt=self.job.attempt,
                stage=values["stage"],
                step=values["step"],
                steps=values["steps"],
            )
        elif kind in ("job_completed", "job_ended"):
            self._is_loading, self.job = False, None
