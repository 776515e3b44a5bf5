"""What the queue can tell about its jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping

from ourvidz.jobs.queue import JobRecord, QueueDepth
from ourvidz.jobs.states import JobState
from ourvidz.runtime.queue.records import RECENT, record, typical


def newest(
    connection: sqlite3.Connection,
    state: JobState | None,
    queue: str | None,
    job_type: str | None,
    limit: int,
) -> list[JobRecord]:
    """Jobs that match whatever is given, the newest first; ``job_type`` is the requested one."""
    wanted = {"state": state, "queue": queue, "pushed_type": job_type}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} = :{column}" for column in given) or "1"
    rows = connection.execute(
        f"SELECT * FROM jobs WHERE {where} ORDER BY place DESC LIMIT :limit", given | {"limit": limit}
    )
    return [record(row) for row in rows]


def states(connection: sqlite3.Connection, job_ids: Collection[str]) -> Mapping[str, JobState]:
    """The states of those that are known."""
    marks = ", ".join("?" * len(job_ids))
    rows = connection.execute(f"SELECT job_id, state FROM jobs WHERE job_id IN ({marks})", [*job_ids])
    return {row["job_id"]: row["state"] for row in rows}


def ahead(connection: sqlite3.Connection, job: sqlite3.Row) -> Mapping[str, int] | None:
    """Count the jobs that start before a waiting one, by type."""
    if job["state"] != "queued":
        return None
    rows = connection.execute(
        "SELECT job_type, count(*) AS jobs FROM jobs"
        " WHERE state = 'queued' AND due IS NULL AND queue = :queue"
        " AND (priority > :priority OR priority = :priority AND (turn, place) < (:turn, :place))"
        " GROUP BY job_type",
        {name: job[name] for name in ("queue", "priority", "turn", "place")},
    )
    return {row["job_type"]: row["jobs"] for row in rows}


def depths(connection: sqlite3.Connection, now: float) -> list[QueueDepth]:
    """Count every queue's jobs, each kind from its index alone."""
    waiting: dict[str, dict[str, int]] = {
        row["name"]: {} for row in connection.execute("SELECT name FROM queues")
    }
    first: dict[str, int] = {}
    for row in connection.execute(
        "SELECT queue, job_type, count(*) AS jobs, min(place) AS first FROM jobs"
        " WHERE state = 'queued' AND due IS NULL GROUP BY queue, job_type"
    ):
        waiting[row["queue"]][row["job_type"]] = row["jobs"]
        first[row["queue"]] = min(row["first"], first.get(row["queue"], row["first"]))
    busy = {
        (row["queue"], row["state"]): row["jobs"]
        for row in connection.execute(
            "SELECT queue, state, count(*) AS jobs FROM jobs WHERE due IS NOT NULL GROUP BY queue, state"
        )
    }
    return [
        QueueDepth(
            queue=queue,
            waiting=kinds,
            delayed=busy.get((queue, "queued"), 0),
            processing=busy.get((queue, "processing"), 0),
            oldest_seconds=_age(connection, first.get(queue), now),
        )
        for queue, kinds in sorted(waiting.items())
    ]


def _age(connection: sqlite3.Connection, place: int | None, now: float) -> float | None:
    row = connection.execute("SELECT submitted_at FROM jobs WHERE place = ?", (place,)).fetchone()
    return None if row is None else max(0.0, now - row["submitted_at"])


def typical_seconds(connection: sqlite3.Connection, job_type: str) -> float | None:
    """The median of the most recent; one that a clock step made negative does not count."""
    rows = connection.execute(
        "SELECT finished_at - started_at FROM jobs WHERE state = 'completed' AND job_type = ?"
        " AND finished_at >= started_at ORDER BY finished_at DESC LIMIT ?",
        (job_type, RECENT),
    )
    return typical(row[0] for row in rows)
