"""The outbox in a queue file."""

from __future__ import annotations

from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.queue.sqlite.database import Database

#: Due, or set so far ahead that the clock must have been put back since; and first of its job.
_DUE = """
SELECT job_id, sequence AS id, body, tries FROM outbox
WHERE (due <= :now OR due > :now + span)
  AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                  WHERE earlier.job_id = outbox.job_id AND earlier.sequence < outbox.sequence)
ORDER BY due LIMIT :limit
"""


class SqliteOutbox:
    """See :class:`ourvidz.jobs.outbox.Outbox`. An entry's id is its event's sequence.

    Nothing here waits for the disk: what a power cut undoes is delivered once more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, *, limit: int, lease_seconds: float) -> list[OutboxEntry]:
        now = self._database.now()
        with self._database.transaction(durable=False) as connection:
            rows = connection.execute(_DUE, {"now": now, "limit": limit}).fetchall()
            for row in rows:
                connection.execute(
                    "UPDATE outbox SET due = ?, span = ? WHERE job_id = ? AND sequence = ?",
                    (now + lease_seconds, lease_seconds, row["job_id"], row["id"]),
                )
        return [
            OutboxEntry(id=row["id"], job_id=row["job_id"], body=row["body"], tries=row["tries"])
            for row in rows
        ]

    def delivered(self, *entries: OutboxEntry) -> None:
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "DELETE FROM outbox WHERE job_id = ? AND sequence = ?",
                [(entry.job_id, entry.id) for entry in entries],
            )

    def failed(self, entry: OutboxEntry, *, delay: float, reason: str) -> None:
        due = self._database.now() + delay
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "UPDATE outbox SET due = ?, span = ?, tries = tries + 1, reason = ?"
                " WHERE job_id = ? AND sequence = ? AND tries = ?",
                (due, delay, reason, entry.job_id, entry.id, entry.tries),
            )

    def waiting(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])
