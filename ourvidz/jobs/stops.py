"""Job types that workers take no jobs of for a while, since their model failed again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ourvidz.jobs.states import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedJobType:
    """What one worker has said of one job type. Times are seconds since the epoch."""

    job_type: str
    worker: str
    """Host, process id and model family."""
    failures: int
    """Jobs of this type that failed in a row."""
    reason: Reason
    """Why the last of them did."""
    since: float
    until: float
    """When the worker tries it again, with one job."""


class Stops(Protocol):
    """What workers say of themselves, for people to see. No claim depends on it."""

    def put(self, *, worker: str, job_type: str, failures: int, reason: Reason, seconds: float) -> None:
        """Say that a worker takes no jobs of a type for so long; once more: from now on."""
        ...

    def lift(self, *, worker: str) -> None:
        """Forget what a worker has said: it takes all its job types again, or ends."""
        ...

    def list(self) -> list[StoppedJobType]:
        """What holds now, by job type and worker; what a killed worker said, until its time is over."""
        ...
