"""The steps that a job can take from one state to another, each within a transaction."""

from __future__ import annotations

import sqlite3
from typing import Final

from ourvidz.jobs.queue import Lease
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import FINAL, Failure, JobState
from ourvidz.runtime.queue import refusals
from ourvidz.runtime.queue.records import record
from ourvidz.runtime.queue.sqlite.traces import announce
from ourvidz.runtime.queue.sqlite.turns import next_turn

#: States from which a job can be queued anew.
STARTS_ANEW: Final = ("failed", "cancelled")

#: What ending a claim needs. The payload is not read, since it may be long.
_HELD = """
SELECT place, job_id, user_id, pushed_type, job_type, priority, attempt, token, settled, cancel_requested,
    started_at, metadata
FROM jobs WHERE job_id = ?
"""


def find(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    return row


def get(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    """Raises JobNotFound."""
    row = find(connection, job_id)
    if row is None:
        raise refusals.job_unknown(job_id)
    return row


def held(connection: sqlite3.Connection, lease: Lease, verb: str | None = None) -> sqlite3.Row | None:
    """The job that a lease is for, or None if this very verb has ended the claim before.

    Raises LeaseLost for every token but the newest, and after any other verb.
    """
    job: sqlite3.Row | None = connection.execute(_HELD, (lease.job_id,)).fetchone()
    if job is None:
        raise refusals.job_gone(lease)
    if job["token"] != lease.token:
        raise refusals.lease_outdated(lease, job["token"])
    if job["settled"] is None:
        return job
    if job["settled"] == verb:
        return None
    raise refusals.claim_ended(lease, job["settled"])


def complete(connection: sqlite3.Connection, lease: Lease, result: Result, now: float) -> None:
    """See :meth:`ourvidz.jobs.queue.Queue.complete`."""
    if job := held(connection, lease, "complete"):
        end(connection, job, "completed", verb="complete", now=now, result=result)


def end(
    connection: sqlite3.Connection,
    job: sqlite3.Row,
    state: JobState,
    *,
    verb: str,
    now: float,
    token: int | None = None,
    result: Result | None = None,
    error: Failure | None = None,
) -> None:
    """Give a job its last state and tell of it. ``token``: a new one, where no claim ended it."""
    token = job["token"] if token is None else token
    connection.execute(
        "UPDATE jobs SET state = ?, settled = ?, token = ?, due = NULL, span = NULL, nonce = NULL,"
        " finished_at = ?, result = ?, error = ? WHERE place = ?",
        (
            state,
            verb,
            token,
            now,
            result and result.model_dump_json(),
            error and error.model_dump_json(),
            job["place"],
        ),
    )
    announce(connection, job, state, token=token, now=now, result=result, error=error)


def tell_again(connection: sqlite3.Connection, job: sqlite3.Row) -> None:
    """Put the event of an ended job into the outbox, as it was. Raises JobStateConflict."""
    if job["state"] not in FINAL:
        raise refusals.has_not_ended(job["job_id"], job["state"])
    ended = record(job)
    announce(
        connection,
        job,
        ended.state,
        token=job["token"],
        now=job["finished_at"],
        result=ended.result,
        error=ended.error,
    )


def not_started(connection: sqlite3.Connection, job: sqlite3.Row) -> sqlite3.Row:
    """Take a claim that did not start its job out of the count."""
    counted: list[sqlite3.Row] = connection.execute(
        "UPDATE jobs SET attempt = attempt - 1 WHERE place = ? RETURNING *", (job["place"],)
    ).fetchall()
    return counted[0]


def put_back(
    connection: sqlite3.Connection,
    job: sqlite3.Row,
    *,
    verb: str,
    now: float,
    attempt: int,
    delay: float = 0.0,
    error: Failure | None = None,
    queue: str | None = None,
    job_type: str | None = None,
) -> None:
    """Let a job wait again at its old place; one that was to be cancelled ends instead."""
    if job["cancel_requested"]:
        end(connection, job, "cancelled", verb=verb, now=now)
        return
    connection.execute(
        "UPDATE jobs SET state = 'queued', settled = ?, attempt = ?, due = ?, span = ?, nonce = NULL,"
        " started_at = NULL, progress = NULL, error = coalesce(?, error), queue = coalesce(?, queue),"
        " job_type = coalesce(?, job_type), turn = coalesce(?, turn) WHERE place = ?",
        (
            verb,
            attempt,
            now + delay if delay > 0 else None,
            delay if delay > 0 else None,
            error and error.model_dump_json(),
            queue,
            job_type,
            queue and next_turn(connection, queue=queue, priority=job["priority"], user_id=job["user_id"]),
            job["place"],
        ),
    )


def start_anew(connection: sqlite3.Connection, job: sqlite3.Row) -> None:
    """Queue an ended job as if it had just been pushed; its token stays, so old claims stay void."""
    turn = next_turn(connection, queue=job["pushed_queue"], priority=job["priority"], user_id=job["user_id"])
    connection.execute(
        "UPDATE jobs SET place = (SELECT max(place) + 1 FROM jobs), turn = ?, state = 'queued', attempt = 0,"
        " queue = pushed_queue, job_type = pushed_type, cancel_requested = 0, started_at = NULL,"
        " finished_at = NULL, progress = NULL, result = NULL, error = NULL WHERE place = ?",
        (turn, job["place"]),
    )
