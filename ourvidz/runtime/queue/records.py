"""From what a backend has stored to what others see: jobs, their events, typical times."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from ourvidz.jobs.events import JobEvent, Progress, final_sequence
from ourvidz.jobs.queue import JobRecord
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState

#: Completed jobs that a typical time is taken from.
RECENT = 50


class Row(Protocol):
    """A stored job, by the names of its fields; what is not set is None."""

    def __getitem__(self, name: str, /) -> Any: ...


def record(row: Row) -> JobRecord:
    """A stored job as others see it.

    A job whose lease ran out waits as if it had not started. The row keeps its start and progress,
    since a worker that was only slow may still take it up again.
    """
    started = row["state"] != "queued"
    return JobRecord(
        job_id=row["job_id"],
        user_id=row["user_id"],
        queue=row["queue"],
        job_type=row["pushed_type"],
        effective_job_type=row["job_type"],
        state=row["state"],
        attempt=row["attempt"],
        priority=row["priority"],
        submitted_at=row["submitted_at"],
        started_at=row["started_at"] if started else None,
        finished_at=row["finished_at"],
        due_at=None if started else row["due"],
        cancel_requested=bool(row["cancel_requested"]),
        progress=Progress.model_validate_json(row["progress"]) if started and row["progress"] else None,
        result=Result.model_validate_json(row["result"]) if row["result"] else None,
        error=Failure.model_validate_json(row["error"]) if row["error"] else None,
        payload=row["payload"],
    )


def ending(
    row: Row,
    status: JobState,
    *,
    token: int,
    at: float,
    result: Result | None = None,
    error: Failure | None = None,
) -> JobEvent:
    """The event that ends a stored job under ``token``."""
    # A claim that found that the job must not run has left its moment, and no attempt.
    started = row["started_at"] if row["attempt"] else None
    return JobEvent(
        job_id=row["job_id"],
        sequence=final_sequence(token),
        status=status,
        at=datetime.fromtimestamp(at, UTC),
        user_id=row["user_id"],
        job_type=row["pushed_type"],
        effective_job_type=row["job_type"],
        attempt=row["attempt"],
        started_at=None if started is None else datetime.fromtimestamp(started, UTC),
        result=result,
        error=error,
        metadata=json.loads(row["metadata"]),
    )


def unreadable(job_id: str, failure: Failure, *, at: float) -> JobEvent:
    """The event of a payload of which only the id could be read: it will never be a job."""
    return JobEvent(
        job_id=job_id,
        sequence=final_sequence(0),
        status="failed",
        at=datetime.fromtimestamp(at, UTC),
        error=failure,
    )


def typical(seconds: Iterable[float]) -> float | None:
    """The median of the times of recent jobs; None if there are none."""
    known = list(seconds)
    return statistics.median(known) if known else None
