"""What a job leaves behind when it ends: an event in the outbox, and a dead letter where one is due."""

from __future__ import annotations

import sqlite3

from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState
from ourvidz.runtime.queue.records import ending, unreadable


def announce(
    connection: sqlite3.Connection,
    job: sqlite3.Row,
    status: JobState,
    *,
    token: int,
    now: float,
    result: Result | None = None,
    error: Failure | None = None,
) -> None:
    """Put the event that ends ``job`` under ``token`` into the outbox."""
    _put(connection, ending(job, status, token=token, at=now, result=result, error=error), now)


def announce_unreadable(connection: sqlite3.Connection, job_id: str, failure: Failure, now: float) -> None:
    """Tell that a payload of which only the id could be read will never be a job."""
    _put(connection, unreadable(job_id, failure, at=now), now)


def bury(
    connection: sqlite3.Connection,
    *,
    queue: str,
    job_id: str | None,
    failure: Failure,
    attempt: int,
    now: float,
    payload: bytes,
) -> None:
    """Keep a payload as a dead letter."""
    connection.execute(
        "INSERT INTO dead_letters (queue, job_id, code, message, attempt, at, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (queue, job_id, failure.code, failure.message, attempt, now, payload),
    )


def _put(connection: sqlite3.Connection, event: JobEvent, now: float) -> None:
    """The same event is put once, however often its payload was pushed."""
    connection.execute(
        "INSERT INTO outbox (job_id, sequence, due, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (event.job_id, event.sequence, now, event.model_dump_json().encode()),
    )
