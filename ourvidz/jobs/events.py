"""What is told about a job: the body of a callback, version 1."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field, JsonValue

from ourvidz.jobs.envelope import Moment, Uuid, Version1
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

    stage: str = Field(description="What is being done, such as load, denoise or store.")
    step: int = Field(ge=0, description="The step that was just done.")
    steps: int = Field(ge=0, description="Of how many; 0 where nobody counts.")


class JobEvent(Wire):
    """One change of a job's state. Delivered at least once; ``sequence`` grows within a job.

    A receiver applies an event only if its ``sequence`` is above the last one that it applied; so a
    repeated or late delivery changes nothing. A dead letter that is retried tells of a newer claim, above
    the failure; whether a job that has ended may change is the receiver's to say. The edge function
    ``job-callback`` says no, until the row is opened again.
    """

    version: Version1 = Field(default=EVENT_VERSION, description="Of this shape.")
    job_id: Uuid = Field(description="The job.")
    sequence: int = Field(ge=1, description="Grows within a job.")
    status: JobState = Field(description="The state that the job is in now.")
    at: Moment = Field(description="When it came into that state.")
    user_id: Uuid | None = Field(default=None, description="Its owner; null where it could not be read.")
    job_type: str | None = Field(
        default=None, description="As the request says; null where it could not be read."
    )
    effective_job_type: str | None = Field(
        default=None, description="The one that makes it: as above, or the fallback that took over."
    )
    attempt: int = Field(default=0, ge=0, description="Starts so far; 0: it never started.")
    started_at: Moment | None = Field(
        default=None, description="When the last of them began; null: it does not run, or never started."
    )
    progress: Progress | None = Field(default=None, description="How far it is, while it is processing.")
    result: Result | None = Field(default=None, description="What was made, once it is completed.")
    error: Failure | None = Field(default=None, description="Why it failed, once it has.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="As the envelope had it.")


def event_schema() -> dict[str, Any]:
    """JSON Schema of version 1."""
    return JobEvent.model_json_schema()
