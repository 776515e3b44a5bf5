"""Looks for rows without a job, jobs without a row, and objects without a winner. Nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from ourvidz.deploy.reconcile.findings import Finding
from ourvidz.errors import NotReady, OurvidzError
from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.jobs.queue import JobNotFound, JobRecord, JobStateConflict, Queue
from ourvidz.jobs.states import FINAL, Failure, JobState
from ourvidz.jobs.storage import ObjectKey, Storage
from ourvidz.jobs.table import JobRow, JobTable
from ourvidz.runtime.client import LETTERS_SEARCHED
from ourvidz.runtime.storage.sweeping import losers
from ourvidz.spec.catalog import Catalog

T = TypeVar("T")

#: Rows or jobs that are compared at a time.
PAGE: Final = 500

#: The newest jobs of each state that are looked through for those without a row.
JOBS_SEARCHED: Final = 10_000

#: The newest jobs that are asked for a row, to see whether the queue and the table are of one deployment.
JOBS_ASKED: Final = 200


class QueueUnrelated(NotReady):
    """No job of the queue has a row in the job table: they may belong to different deployments."""

    code = "queue_unrelated"


class JobLost(OurvidzError):
    """The platform has a row for the job, and the queue has no such job: it is never going to be made."""

    code = "job_lost"


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Compares what is older than ``before``, in seconds since the epoch: the rest may be on its way.

    Every method raises what the table, the queue and storage raise when they cannot be reached.
    """

    table: JobTable
    queue: Queue
    storage: Storage
    catalog: Catalog
    before: float
    foreign: Counter[str] = field(default_factory=Counter)
    """Open rows that were passed over because no job type of the catalog is theirs, by what they name."""

    def check_related(self) -> None:
        """Raises QueueUnrelated if none of the queue's newest jobs has a row.

        Then the table may be another deployment's, and nothing follows from what it does not show.
        """
        asked = [job.job_id for job in self.queue.jobs(limit=JOBS_ASKED) if _is_the_platforms(job)]
        if not self.table.statuses(asked):
            found = f"none of the queue's newest {len(asked)} jobs has a row"
            if not asked:
                found = "the queue has no job of the platform's"
            raise QueueUnrelated(
                f"{found}, so nothing shows that queue and job table belong together: "
                "check OURVIDZ_QUEUE_URL and SUPABASE_URL; for a queue that is really new, say --new-queue"
            )

    def rows(self) -> Iterator[Finding]:
        """Rows that say queued or processing, and are wrong."""
        letters: dict[str, DeadLetter] | None = None
        for page in _pages(self._own_rows()):
            states = self.queue.states([row.job_id for row in page])
            for row in page:
                state = states.get(row.job_id)
                if state in FINAL:
                    yield from self._not_told(row)
                elif state is None:
                    if letters is None:
                        letters = _letters(self.queue)
                    yield self._without_job(row, letters.get(row.job_id))

    def jobs(self) -> Iterator[Finding]:
        """Jobs that wait or run, and of which the platform has no row to show."""
        for page in _pages(job for job in self._open_jobs() if self._needs_row(job)):
            rows = self.table.statuses([job.job_id for job in page])
            for job in page:
                if job.job_id not in rows:
                    yield Finding(
                        kind="job_without_row",
                        about=job.job_id,
                        found=f"{job.state} on {job.queue}, and the table has no row for it",
                        remedy="cancel the job",
                        mend=partial(_cancel, self.queue, job.job_id),
                    )

    def objects(self) -> Iterator[Finding]:
        """Objects that no result of their ended jobs refers to."""
        for key in losers(self.storage, self.queue, self.catalog):
            yield Finding(
                kind="object_without_winner",
                about=str(key),
                found="stored by a claim that did not win",
                remedy="delete the object",
                mend=partial(_delete, self.storage, key),
            )

    def _own_rows(self) -> Iterator[JobRow]:
        for row in self.table.open_rows(before=self.before):
            if row.job_type in self.catalog.job_types:
                yield row
            else:
                self.foreign[row.job_type] += 1

    def _without_job(self, row: JobRow, letter: DeadLetter | None) -> Finding:
        if letter is None:
            found = f"{row.status}, and the queue knows no such job"
            failure = Failure(
                code=JobLost.code, message="the job was lost before it was done; submit it again"
            )
        else:
            found = f"{row.status}, and the job is dead letter {letter.id}"
            failure = letter.failure
        return Finding(
            kind="row_without_job",
            about=row.job_id,
            found=found,
            remedy=f"let the row say failed [{failure.code}], and tell it",
            mend=partial(_fail, self.table, self.queue, row, failure),
        )

    def _not_told(self, row: JobRow) -> Iterator[Finding]:
        """The job has ended. If that was just now, its callback may be on its way."""
        try:
            job = self.queue.job(row.job_id)
        except JobNotFound:
            # Forgotten since: the next comparison finds a row without a job.
            return
        if job.finished_at is not None and job.finished_at < self.before:
            yield Finding(
                kind="row_not_told",
                about=row.job_id,
                found=f"{row.status}, and the job is {job.state}",
                remedy="tell its end again, by the callback",
                mend=partial(_tell_again, self.queue, row.job_id),
            )

    def _open_jobs(self) -> Iterator[JobRecord]:
        """How many there are is asked before, so that no queue looks through all that it remembers."""
        depths = self.queue.depths()
        counts: dict[JobState, int] = {
            "processing": sum(depth.processing for depth in depths),
            "queued": sum(sum(depth.waiting.values()) + depth.delayed for depth in depths),
        }
        for state, count in counts.items():
            if count:
                yield from self.queue.jobs(state=state, limit=min(count, JOBS_SEARCHED))

    def _needs_row(self, job: JobRecord) -> bool:
        return _is_the_platforms(job) and job.submitted_at < self.before and not job.cancel_requested


def _is_the_platforms(job: JobRecord) -> bool:
    """Whether an edge function pushed it; of what ``ourvidz submit`` pushes the platform has no row."""
    return job.user_id != LOCAL_USER


def _letters(queue: Queue) -> dict[str, DeadLetter]:
    """The newest dead letter of each job."""
    newest_last = reversed(queue.dead_letters.list(limit=LETTERS_SEARCHED))
    return {letter.job_id: letter for letter in newest_last if letter.job_id is not None}


def _fail(table: JobTable, queue: Queue, row: JobRow, failure: Failure) -> bool:
    """The row first: only if it still says what was seen, what hangs on it is told by the callback."""
    if not table.fail(row, failure):
        return False
    with suppress(JobStateConflict):
        queue.tell_lost(row.job_id, failure)
    return True


def _cancel(queue: Queue, job_id: str) -> bool:
    with suppress(JobNotFound, JobStateConflict):
        queue.cancel(job_id)
        return True
    return False


def _tell_again(queue: Queue, job_id: str) -> bool:
    with suppress(JobNotFound, JobStateConflict):
        queue.tell_again(job_id)
        return True
    return False


def _delete(storage: Storage, key: ObjectKey) -> bool:
    storage.delete(key)
    return True


def _pages(all: Iterable[T]) -> Iterator[list[T]]:
    left = iter(all)
    while page := list(islice(left, PAGE)):
        yield page
