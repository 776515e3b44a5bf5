"""What is told about a job: the body of a callback, version 1."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field, JsonValue

from ourvidz.jobs.envelope import Uuid
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState, Wire

EVENT_VERSION: Final = 1


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
