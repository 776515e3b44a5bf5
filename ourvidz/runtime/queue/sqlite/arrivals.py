"""What happens to a payload when it arrives: it becomes a job, a dead letter, or is a duplicate."""

from __future__ import annotations

import sqlite3

from ourvidz.jobs.envelope import Envelope, EnvelopeInvalid
from ourvidz.runtime.queue.reading import failure_of, metadata_of
from ourvidz.runtime.queue.sqlite.traces import announce_unreadable, bury
from ourvidz.runtime.queue.sqlite.turns import next_turn

_INSERT = """
INSERT INTO jobs (turn, job_id, user_id, pushed_queue, pushed_type, queue, job_type, priority,
                  submitted_at, metadata, payload)
VALUES (:turn, :job_id, :user_id, :queue, :job_type, :queue, :job_type, :priority,
        :submitted_at, :metadata, :payload)
ON CONFLICT (job_id) DO NOTHING
"""


def name_queue(connection: sqlite3.Connection, queue: str) -> None:
    """Note that there is a queue of this name, so that it is shown also while it is empty."""
    connection.execute("INSERT OR IGNORE INTO queues VALUES (?)", (queue,))


def take_in(
    connection: sqlite3.Connection, queue: str, payload: bytes, read: Envelope | EnvelopeInvalid, now: float
) -> None:
    """Put a payload where it belongs, within a transaction. Its queue has been named."""
    if isinstance(read, EnvelopeInvalid):
        _refuse(connection, queue, payload, read, now)
        return
    connection.execute(
        _INSERT,
        {
            "turn": next_turn(connection, queue=queue, priority=read.priority, user_id=read.user_id),
            "job_id": read.job_id,
            "user_id": read.user_id,
            "queue": queue,
            "job_type": read.job_type,
            "priority": read.priority,
            "submitted_at": read.submitted_at.timestamp(),
            "metadata": metadata_of(read),
            "payload": payload,
        },
    )


def _refuse(
    connection: sqlite3.Connection, queue: str, payload: bytes, error: EnvelopeInvalid, now: float
) -> None:
    """Keep the payload. Its job has failed, unless the id is that of a job which was read before."""
    failure = failure_of(error)
    bury(connection, queue=queue, job_id=error.job_id, failure=failure, attempt=0, now=now, payload=payload)
    if error.job_id is None:
        return
    known = connection.execute("SELECT 1 FROM jobs WHERE job_id = ?", (error.job_id,)).fetchone()
    if known is None:
        announce_unreadable(connection, error.job_id, failure, now)
