"""What is told about a job: the body of a callback, version 1."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field, JsonValue

from ourvidz.jobs.envelope import Uuid
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState, Wire

EVENT_VERSION: Final = 1

#: Sequence numbers that belong to one claim; the last of them is its last word.
EVENTS_PER_CLAIM: Final = 1_000_000


def progress_sequence(token: int, number: int) -> int:
    """The sequence of the ``number``-th progress of a claim, from 1: below the claim's last word.

    A worker can number its own events, because tokens grow within a job.
    """
    if not 1 <= number < EVENTS_PER_CLAIM - 1:
        raise ValueError(f"a claim has no progress number {number}")
    return token * EVENTS_PER_CLAIM + number


def final_sequence(token: int) -> int:
    """The sequence of the event that ends a job under this token; token 0: it was never a job."""
    return token * EVENTS_PER_CLAIM + EVENTS_PER_CLAIM - 1


class Progress(Wire):
    """How far a job is. Steps count from 1; ``step`` 0 means that the stage has just begun."""

    stage: str
    step: int = Field(ge=0)
    steps: int = Field(ge=0)


class JobEvent(Wire):
    """One change of a job's state. Delivered at least once; ``sequence`` grows within a job.

    A receiver applies an event only if its ``sequence`` is above the last one that it applied and
    the job is not final there; so a repeated or late delivery changes nothing.
    """

    version: Literal[1] = EVENT_VERSION
    job_id: Uuid
    sequence: int = Field(ge=1)
    status: JobState
    at: AwareDatetime
    user_id: Uuid | None = Field(default=None, description="None where it could not be read.")
    job_type: str | None = None
    attempt: int = Field(default=0, ge=0)
    progress: Progress | None = None
    result: Result | None = None
    error: Failure | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


def event_schema() -> dict[str, Any]:
    """JSON Schema of version 1."""
    return JobEvent.model_json_schema()
