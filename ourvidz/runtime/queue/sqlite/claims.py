"""From waiting to processing: putting back what ran out, and handing out the next job."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator

from ourvidz.jobs.queue import Claim, Lease
from ourvidz.runtime.queue.sqlite import jobs, turns

#: Jobs whose moment has come: by the clock, or because the clock was put back since it was set.
#: And with a nonce, the job that was claimed under it. Found in the index alone.
_DUE = """
SELECT place, nonce FROM jobs
WHERE due IS NOT NULL AND (due <= :now OR due > :now + span OR nonce = :nonce)
"""

#: The first waiting job of one kind, and of the kind after a given one: a step through the index
#: each, however many jobs wait.
_FIRST = """
SELECT place, priority, turn, job_type FROM jobs
WHERE state = 'queued' AND due IS NULL AND queue = ? AND job_type = ?
ORDER BY priority DESC, turn, place LIMIT 1
"""
_FIRST_OF_NEXT = """
SELECT place, priority, turn, job_type FROM jobs
WHERE state = 'queued' AND due IS NULL AND queue = ? AND job_type > ?
ORDER BY job_type, priority DESC, turn, place LIMIT 1
"""

_TAKE = """
UPDATE jobs SET state = 'processing', attempt = attempt + 1, token = token + 1, settled = NULL,
    worker = ?, nonce = ?, due = ?, span = ?, started_at = ?, progress = NULL
WHERE place = ? RETURNING queue, priority, turn
"""

_CLAIMED = "SELECT job_id, token, queue, job_type, pushed_type, attempt, payload FROM jobs WHERE place = ?"


def claim(
    connection: sqlite3.Connection,
    queues: Collection[str],
    only: Collection[str] | None,
    *,
    worker: str,
    nonce: str,
    span: float,
    now: float,
) -> Claim | None:
    """See :meth:`ourvidz.jobs.queue.Queue.claim`."""
    moved = due(connection, now, nonce)
    for mine in (job for job in moved if job["nonce"] == nonce):
        return take_again(connection, mine["place"], span=span, now=now)
    put_back_due(connection, moved, now)
    place = next_place(connection, queues, only)
    if place is None:
        return None
    return take(connection, place, worker=worker, nonce=nonce, span=span, now=now)


def due(connection: sqlite3.Connection, now: float, nonce: str | None = None) -> list[sqlite3.Row]:
    """Places of the jobs for which the clock has something to do, and of the one claimed under a nonce."""
    return connection.execute(_DUE, {"now": now, "nonce": nonce}).fetchall()


def put_back_due(connection: sqlite3.Connection, due: Iterable[sqlite3.Row], now: float) -> None:
    """Put back every job whose lease ran out, and let delayed ones start whose time has come.

    A lease or a delay that the clock, put back, would stretch is started anew from now.
    """
    for one in due:
        job = connection.execute("SELECT * FROM jobs WHERE place = ?", (one["place"],)).fetchone()
        if job["due"] > now:
            connection.execute("UPDATE jobs SET due = ? + span WHERE place = ?", (now, job["place"]))
        elif job["state"] == "processing" and job["cancel_requested"]:
            jobs.end(connection, job, "cancelled", verb="cancelled", now=now)
        else:
            connection.execute(
                "UPDATE jobs SET state = 'queued', due = NULL, span = NULL, nonce = NULL WHERE place = ?",
                (job["place"],),
            )


def next_place(
    connection: sqlite3.Connection, queues: Collection[str], only: Collection[str] | None
) -> int | None:
    """The place of the job that a claim would take now."""
    of_queues = (
        min(
            _firsts(connection, queue, only),
            key=lambda job: (-job["priority"], job["turn"], job["place"]),
            default=None,
        )
        for queue in queues
    )
    # Turns are comparable within a queue; between queues the one that came first goes first.
    firsts = (first for first in of_queues if first is not None)
    first = min(firsts, key=lambda job: (-job["priority"], job["place"]), default=None)
    return None if first is None else int(first["place"])


def _firsts(
    connection: sqlite3.Connection, queue: str, only: Collection[str] | None
) -> Iterator[sqlite3.Row]:
    """The first waiting job of every kind, or of the given kinds."""
    for job_type in only or ():
        yield from connection.execute(_FIRST, (queue, job_type))
    job_type = ""
    while only is None:
        first = connection.execute(_FIRST_OF_NEXT, (queue, job_type)).fetchone()
        if first is None:
            return
        yield first
        job_type = first["job_type"]


def take(
    connection: sqlite3.Connection, place: int, *, worker: str, nonce: str, span: float, now: float
) -> Claim:
    """Hand a waiting job to a worker."""
    [job] = connection.execute(_TAKE, (worker, nonce, now + span, span, now, place)).fetchall()
    turns.note(connection, queue=job["queue"], priority=job["priority"], turn=job["turn"])
    return _claim(connection, place)


def take_again(connection: sqlite3.Connection, place: int, *, span: float, now: float) -> Claim:
    """Repeat the reply to a claim, and renew its lease."""
    connection.execute("UPDATE jobs SET due = ?, span = ? WHERE place = ?", (now + span, span, place))
    return _claim(connection, place)


def _claim(connection: sqlite3.Connection, place: int) -> Claim:
    job = connection.execute(_CLAIMED, (place,)).fetchone()
    return Claim(
        lease=Lease(job_id=job["job_id"], token=job["token"]),
        queue=job["queue"],
        job_type=job["job_type"],
        rerouted=job["job_type"] != job["pushed_type"],
        attempt=job["attempt"],
        payload=job["payload"],
    )
