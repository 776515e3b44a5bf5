"""Stopped job types in a queue file."""

from __future__ import annotations

from ourvidz.jobs.states import Reason
from ourvidz.jobs.stops import StoppedJobType
from ourvidz.runtime.queue.sqlite.database import Database


class SqliteStops:
    """See :class:`ourvidz.jobs.stops.Stops`. Nothing here waits for the disk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, *, worker: str, job_type: str, failures: int, reason: Reason, seconds: float) -> None:
        now = self._database.now()
        with self._database.transaction(durable=False) as connection:
            connection.execute("DELETE FROM stops WHERE until <= ?", (now,))
            connection.execute(
                "INSERT OR REPLACE INTO stops (job_type, worker, failures, reason, since, until)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (job_type, worker, failures, reason.model_dump_json(), now, now + seconds),
            )

    def lift(self, *, worker: str) -> None:
        with self._database.transaction(durable=False) as connection:
            connection.execute("DELETE FROM stops WHERE worker = ?", (worker,))

    def list(self) -> list[StoppedJobType]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM stops WHERE until > ? ORDER BY job_type, worker", (self._database.now(),)
            ).fetchall()
        return [
            StoppedJobType(
                job_type=row["job_type"],
                worker=row["worker"],
                failures=row["failures"],
                reason=Reason.model_validate_json(row["reason"]),
                since=row["since"],
                until=row["until"],
            )
            for row in rows
        ]
