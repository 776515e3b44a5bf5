"""Dead letters in a queue file."""

from __future__ import annotations

import sqlite3

from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.jobs.states import Failure
from ourvidz.runtime.queue import reading, refusals
from ourvidz.runtime.queue.sqlite import arrivals, jobs
from ourvidz.runtime.queue.sqlite.database import Database


class SqliteDeadLetters:
    """See :class:`ourvidz.jobs.dead_letters.DeadLetters`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, *, queue: str | None = None, limit: int = 50) -> list[DeadLetter]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM dead_letters WHERE :queue IS NULL OR queue = :queue"
                " ORDER BY id DESC LIMIT :limit",
                {"queue": queue, "limit": limit},
            )
            return [_letter(row) for row in rows]

    def get(self, id: int) -> DeadLetter:
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM dead_letters WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise refusals.letter_unknown(id)
        return _letter(row)

    def retry(self, id: int) -> None:
        letter = self.get(id)
        now = self._database.now()
        read = reading.read(letter.payload, now)
        with self._database.transaction() as connection:
            if not connection.execute("DELETE FROM dead_letters WHERE id = ?", (id,)).rowcount:
                raise refusals.letter_taken(id)
            job = read.job_id and jobs.find(connection, read.job_id)
            if not job:
                arrivals.take_in(connection, letter.queue, letter.payload, read, now)
            elif job["state"] in jobs.STARTS_ANEW:
                jobs.start_anew(connection, job)
            else:
                raise refusals.letter_needs_no_retry(id, job["job_id"], job["state"])

    def purge(self, *, older_than: float) -> int:
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM dead_letters WHERE at < ?", (self._database.now() - older_than,)
            ).rowcount


def _letter(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        queue=row["queue"],
        job_id=row["job_id"],
        failure=Failure(code=row["code"], message=row["message"]),
        attempt=row["attempt"],
        at=row["at"],
        payload=row["payload"],
    )
