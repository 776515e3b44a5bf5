"""Takes one claim to its end: completed, failed, tried again, handed back, or lost to another worker."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ourvidz.errors import OurvidzError
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Claim, LeaseLost, Queue
from ourvidz.plugins.family import JobCancelled
from ourvidz.runtime.failures import AttemptsExhausted, JobTimedOut, decide, failure_of, retry_delay
from ourvidz.runtime.heartbeat import Heartbeat
from ourvidz.runtime.making import Job, Maker, read_job
from ourvidz.runtime.observer import Observer
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import JobType

log = logging.getLogger(__name__)

#: Loading a checkpoint may take this long without a sign of progress, in seconds.
LOAD_TIMEOUT = 900.0


class HandBack(BaseException):
    """The worker must stop now; the running job goes back to its place in the queue.

    No Exception, so that no model takes it for an error of its own.
    """


@dataclass(slots=True)
class Stop:
    """How urgently a worker was asked to stop; a signal handler calls :meth:`ask`."""

    asked: int = 0
    generating: bool = False
    told: bool = False
    """Whether the observer knows."""

    @property
    def drain(self) -> bool:
        """Finish the running job and take no more."""
        return self.asked >= 1

    @property
    def now(self) -> bool:
        """Break the running job off."""
        return self.asked >= 2

    def ask(self) -> None:
        """Once: drain. Twice: now. Raises HandBack where breaking off in mid-air does no harm."""
        self.asked += 1
        if self.now and self.generating:
            raise HandBack


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The context of one job: passes its steps on and raises what must stop it."""

    claim: Claim
    timeout: float
    """Longest time between two steps, in seconds."""
    folder: Path
    heartbeat: Heartbeat
    stop: Stop
    observer: Observer

    def step(self, stage: str, step: int, steps: int) -> None:
        """Raises JobCancelled, LeaseLost, JobTimedOut, HandBack."""
        if self.stop.drain and not self.stop.told:
            self.stop.told = True
            self.observer.stopping()
        self.observer.step(self.claim.lease.job_id, stage, step, steps)
        why = self.heartbeat.step(self.claim.lease, Progress(stage=stage, step=step, steps=steps))
        if why == "cancel":
            raise JobCancelled("cancelled by its user")
        if why == "lost":
            raise LeaseLost("another worker has taken the job over")
        if why == "timeout":
            raise JobTimedOut(f"no progress within the job type's timeout, noticed at {stage} {step}/{steps}")
        if self.stop.now:
            raise HandBack

    @contextmanager
    def generating(self) -> Iterator[None]:
        """From here on every step counts: loading is over."""
        self.heartbeat.hold(self.claim.lease, timeout=self.timeout)
        self.stop.generating = True
        try:
            yield
        finally:
            self.stop.generating = False


class Executor:
    """Runs claims one after another. ``catalog`` may be exchanged between jobs."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        maker: Maker,
        queue: Queue,
        heartbeat: Heartbeat,
        stop: Stop,
        observer: Observer,
        fallback: bool,
    ) -> None:
        self.catalog = catalog
        self._fallback = fallback
        self._maker = maker
        self._queue = queue
        self._heartbeat = heartbeat
        self._stop = stop
        self._observer = observer

    def run(self, claim: Claim) -> None:
        """Make a job and end it in the queue. Raises HandBack after handing it back, and QueueUnavailable."""
        self._observer.job_started(claim)
        start = time.monotonic()
        self._heartbeat.hold(claim.lease, timeout=LOAD_TIMEOUT)
        try:
            with tempfile.TemporaryDirectory(prefix="ourvidz-") as folder:
                self._attempt(claim, Path(folder), start)
        except LeaseLost:
            # Whoever holds the newer token tells what becomes of the job.
            self._observer.job_ended(claim, "lost", None)
        finally:
            self._heartbeat.drop(claim.lease)

    def _attempt(self, claim: Claim, folder: Path, start: float) -> None:
        job: Job | None = None
        try:
            job = read_job(claim, self.catalog)
            if claim.attempt > job.job_type.max_attempts:
                starts = job.job_type.max_attempts
                raise AttemptsExhausted(f"given up after {starts} starts, none of which came to an end")
            timeout = job.job_type.timeout_seconds
            running = RunningJob(claim, timeout, folder, self._heartbeat, self._stop, self._observer)
            result = self._maker.make(job, self.catalog, running)
            self._queue.complete(claim.lease, result)
        except LeaseLost:
            raise
        except JobCancelled:
            self._queue.cancelled(claim.lease)
            self._observer.job_ended(claim, "cancelled", None)
        except HandBack:
            self._queue.hand_back(claim.lease)
            self._observer.job_ended(claim, "handed back", None)
            raise
        except OurvidzError as error:
            self._fail(claim, job.job_type if job else None, error)
        except Exception as error:
            log.exception("job %s: the model failed", claim.lease.job_id)
            self._fail(claim, job.job_type if job else None, error)
        else:
            self._observer.job_completed(claim, result, time.monotonic() - start)

    def _fail(self, claim: Claim, job_type: JobType | None, error: Exception) -> None:
        failure = failure_of(error)
        fallback = self._fallback_of(claim, job_type)
        decision = decide(
            error,
            attempt=claim.attempt,
            max_attempts=job_type.max_attempts if job_type else 1,
            has_fallback=fallback is not None,
        )
        if decision == "retry":
            self._queue.retry_later(claim.lease, failure, delay=retry_delay(claim.attempt))
            self._observer.job_ended(claim, "tried again later", failure)
        elif decision == "fallback" and fallback is not None:
            self._queue.reroute(claim.lease, queue=fallback.queue, job_type=fallback.id, failure=failure)
            self._observer.job_ended(claim, f"given to {fallback.id}", failure)
        else:
            self._queue.fail(claim.lease, failure, dead_letter=decision == "bury")
            self._observer.job_ended(claim, "failed", failure)

    def _fallback_of(self, claim: Claim, job_type: JobType | None) -> JobType | None:
        """The job type that may take over: declared, switched on, and not one that took over already."""
        if not self._fallback or job_type is None or job_type.fallback is None or claim.rerouted:
            return None
        return self.catalog[job_type.fallback]
