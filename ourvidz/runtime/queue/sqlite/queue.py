"""The queue in a SQLite file: for one machine, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Beat, Claim, JobRecord, Lease, QueueDepth
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import FINAL, Failure, JobState
from ourvidz.runtime.queue import reading, refusals
from ourvidz.runtime.queue.records import record
from ourvidz.runtime.queue.sqlite import arrivals, claims, forgetting, jobs, lookups
from ourvidz.runtime.queue.sqlite.database import Database, Synchronous
from ourvidz.runtime.queue.sqlite.dead_letters import SqliteDeadLetters
from ourvidz.runtime.queue.sqlite.outbox import SqliteOutbox
from ourvidz.runtime.queue.sqlite.stops import SqliteStops
from ourvidz.runtime.queue.sqlite.traces import announce_unreadable, bury
from ourvidz.spec.catalog import Catalog

#: Seconds between two looks at whether another process has written; each costs some microseconds.
_GLANCE = 0.02


class SqliteQueue:
    """See :class:`ourvidz.jobs.queue.Queue`. The file must lie on a local disk.

    Leases and delays run by the wall clock, so that they outlive a restart. Set forward, it puts
    jobs back too early: their workers take them up again at the next beat, unless somebody else was
    quicker. Set back, it would keep a dead worker's job for long: every lease is cut to its full
    length from now. Neither can complete a job twice, since tokens do not depend on a clock.
    """

    def __init__(
        self, path: Path, *, synchronous: Synchronous = "full", clock: Callable[[], float] = time.time
    ) -> None:
        """Open a queue, created if it is not there. Raises QueueUnavailable, QueueFileInvalid."""
        self._database = Database(path, synchronous=synchronous, clock=clock)
        self._outbox = SqliteOutbox(self._database)
        self._dead_letters = SqliteDeadLetters(self._database)
        self._stops = SqliteStops(self._database)
        self._known: set[str] = set()

    @property
    def outbox(self) -> SqliteOutbox:
        return self._outbox

    @property
    def dead_letters(self) -> SqliteDeadLetters:
        return self._dead_letters

    @property
    def stops(self) -> SqliteStops:
        return self._stops

    @property
    def idle_seconds(self) -> float:
        return 1.0

    def push(self, queue: str, payload: bytes) -> None:
        now = self._database.now()
        read = reading.read(payload, now)
        with self._database.transaction() as connection:
            if queue not in self._known:
                arrivals.name_queue(connection, queue)
            arrivals.take_in(connection, queue, payload, read, now)
        self._known.add(queue)

    def wait(self, queues: Collection[str], timeout: float, *, only: Collection[str] | None = None) -> bool:
        end = time.monotonic() + timeout
        seen = -1
        while True:
            version = self._database.version()
            if self._put_back_due() or version != seen:
                seen = version
                with self._database.reading() as connection:
                    if claims.next_place(connection, queues, only) is not None:
                        return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_GLANCE, left))

    def claim(
        self,
        queues: Sequence[str],
        *,
        worker: str,
        lease_seconds: float,
        nonce: str,
        only: Collection[str] | None = None,
    ) -> Claim | None:
        now = self._database.now()
        with self._database.transaction() as connection:
            return claims.claim(
                connection, queues, only, worker=worker, nonce=nonce, span=lease_seconds, now=now
            )

    def beat(self, lease: Lease, *, lease_seconds: float, progress: Progress | None = None) -> Beat:
        now = self._database.now()
        with self._database.transaction(durable=False) as connection:
            job = jobs.held(connection, lease)
            assert job is not None
            connection.execute(
                "UPDATE jobs SET state = 'processing', due = ?, span = ?, progress = coalesce(?, progress)"
                " WHERE place = ?",
                (now + lease_seconds, lease_seconds, progress and progress.model_dump_json(), job["place"]),
            )
            return "cancel" if job["cancel_requested"] else "ok"

    def complete(self, lease: Lease, result: Result) -> None:
        with self._database.transaction() as connection:
            jobs.complete(connection, lease, result, self._database.now())

    def complete_and_claim(
        self,
        lease: Lease,
        result: Result,
        queues: Sequence[str],
        *,
        worker: str,
        lease_seconds: float,
        nonce: str,
        only: Collection[str] | None = None,
    ) -> Claim | None:
        now = self._database.now()
        with self._database.transaction() as connection:
            jobs.complete(connection, lease, result, now)
            return claims.claim(
                connection, queues, only, worker=worker, nonce=nonce, span=lease_seconds, now=now
            )

    def fail(self, lease: Lease, failure: Failure, *, dead_letter: bool = False) -> None:
        now = self._database.now()
        with self._database.transaction() as connection:
            job = jobs.held(connection, lease, "fail")
            if job is None:
                return
            if dead_letter:
                job = jobs.not_started(connection, job)
            jobs.end(connection, job, "failed", verb="fail", now=now, error=failure)
            if dead_letter:
                bury(
                    connection,
                    queue=job["queue"],
                    job_id=job["job_id"],
                    failure=failure,
                    attempt=job["attempt"],
                    now=now,
                    payload=job["payload"],
                )

    def cancelled(self, lease: Lease) -> None:
        with self._database.transaction() as connection:
            if job := jobs.held(connection, lease, "cancelled"):
                jobs.end(connection, job, "cancelled", verb="cancelled", now=self._database.now())

    def retry_later(self, lease: Lease, failure: Failure, *, delay: float) -> None:
        now = self._database.now()
        with self._database.transaction() as connection:
            if job := jobs.held(connection, lease, "retry_later"):
                jobs.put_back(
                    connection,
                    job,
                    verb="retry_later",
                    now=now,
                    attempt=job["attempt"],
                    delay=delay,
                    error=failure,
                )

    def hand_back(self, lease: Lease) -> None:
        now = self._database.now()
        with self._database.transaction() as connection:
            if job := jobs.held(connection, lease, "hand_back"):
                jobs.put_back(connection, job, verb="hand_back", now=now, attempt=job["attempt"] - 1)

    def reroute(self, lease: Lease, *, queue: str, job_type: str, failure: Failure) -> None:
        now = self._database.now()
        with self._database.transaction() as connection:
            if job := jobs.held(connection, lease, "reroute"):
                arrivals.name_queue(connection, queue)
                jobs.put_back(
                    connection,
                    job,
                    verb="reroute",
                    now=now,
                    attempt=0,
                    error=failure,
                    queue=queue,
                    job_type=job_type,
                )

    def cancel(self, job_id: str) -> JobState:
        now = self._database.now()
        with self._database.transaction() as connection:
            claims.put_back_due(connection, claims.due(connection, now), now)
            job = jobs.get(connection, job_id)
            if job["state"] in FINAL:
                raise refusals.has_ended(job_id, job["state"])
            if job["state"] == "processing":
                connection.execute("UPDATE jobs SET cancel_requested = 1 WHERE place = ?", (job["place"],))
                return "processing"
            jobs.end(connection, job, "cancelled", verb="cancel", now=now, token=job["token"] + 1)
            return "cancelled"

    def retry(self, job_id: str) -> None:
        with self._database.transaction() as connection:
            job = jobs.get(connection, job_id)
            if job["state"] not in jobs.STARTS_ANEW:
                raise refusals.cannot_start_anew(job_id, job["state"])
            jobs.start_anew(connection, job)

    def tell_again(self, job_id: str) -> None:
        with self._database.transaction() as connection:
            jobs.tell_again(connection, jobs.get(connection, job_id))

    def tell_lost(self, job_id: str, failure: Failure) -> None:
        with self._database.transaction() as connection:
            job = jobs.find(connection, job_id)
            if job is not None:
                raise refusals.is_not_lost(job_id, job["state"])
            announce_unreadable(connection, job_id, failure, self._database.now())

    def job(self, job_id: str) -> JobRecord:
        self._put_back_due()
        with self._database.reading() as connection:
            return record(jobs.get(connection, job_id))

    def jobs(
        self,
        *,
        state: JobState | None = None,
        queue: str | None = None,
        job_type: str | None = None,
        limit: int = 50,
    ) -> list[JobRecord]:
        self._put_back_due()
        with self._database.reading() as connection:
            return lookups.newest(connection, state, queue, job_type, limit)

    def states(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        self._put_back_due()
        with self._database.reading() as connection:
            return lookups.states(connection, job_ids)

    def ahead(self, job_id: str) -> Mapping[str, int] | None:
        self._put_back_due()
        with self._database.reading() as connection:
            return lookups.ahead(connection, jobs.get(connection, job_id))

    def depths(self) -> list[QueueDepth]:
        self._put_back_due()
        with self._database.reading() as connection:
            return lookups.depths(connection, self._database.now())

    def commands_a_month(self, queues: Collection[str]) -> None:
        return None

    def typical_seconds(self, job_type: str) -> float | None:
        with self._database.reading() as connection:
            return lookups.typical_seconds(connection, job_type)

    def trim(self, *, older_than: float) -> int:
        before = self._database.now() - older_than
        with self._database.reading() as connection:
            places = forgetting.forgettable(connection, before)
        if not places:
            return 0
        with self._database.transaction() as connection:
            return forgetting.forget(connection, places, before)

    def _put_back_due(self) -> bool:
        """Let the clock do its part before a look at the jobs; says whether there was anything."""
        now = self._database.now()
        with self._database.reading() as connection:
            if not claims.due(connection, now):
                return False
        with self._database.transaction() as connection:
            claims.put_back_due(connection, claims.due(connection, now), now)
        return True

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`. Its clock is this machine's own."""
        yield self._database.persistence()

    def close(self) -> None:
        self._database.close()
