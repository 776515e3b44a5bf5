"""Takes one claim to its end: completed, failed, tried again, handed back, or lost to another worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ourvidz.errors import OurvidzError
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Claim, Lease, LeaseLost, Queue, QueueUnavailable
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, Reason
from ourvidz.plugins.device_errors import DeviceLost
from ourvidz.plugins.family import JobCancelled
from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.breaker import Breaker
from ourvidz.runtime.callback.courier import Courier
from ourvidz.runtime.failures import (
    FIRST_RETRY,
    LONGEST_RETRY,
    AttemptsExhausted,
    JobTimedOut,
    JobTypeStopped,
    WrongQueue,
    blames_model,
    decide,
    failure_of,
)
from ourvidz.runtime.foreign_errors import log_foreign
from ourvidz.runtime.heartbeat import Heartbeat, HeartbeatDied
from ourvidz.runtime.job_folders import JobFolders
from ourvidz.runtime.making.maker import Job, Maker, read_job
from ourvidz.runtime.observer import Observer
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import JobType

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Loading a checkpoint may take this long without a sign of progress, in seconds.
LOAD_TIMEOUT = 900.0

#: Pause before the queue is told again how a job ended, in seconds.
INSIST_INTERVAL = 1.0


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
    courier: Courier
    stop: Stop
    observer: Observer

    def step(self, stage: str, step: int, steps: int) -> None:
        """Raises JobCancelled, LeaseLost, JobTimedOut, HandBack."""
        if self.stop.drain and not self.stop.told:
            self.stop.told = True
            self.observer.stopping()
        self.observer.step(self.claim.lease.job_id, stage, step, steps)
        progress = Progress(stage=stage, step=step, steps=steps)
        self.courier.step(progress)
        why = self.heartbeat.step(self.claim.lease, progress)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What may change while a worker runs: job types, reviewers, profile, failure policy."""

    catalog: Catalog
    maker: Maker
    fallback: bool
    """Whether a failed job goes to its declared fallback."""


class Executor:
    """Runs claims one after another. ``rules`` may be exchanged between jobs."""

    def __init__(
        self,
        rules: Rules,
        *,
        queue: Queue,
        complete: Callable[[Lease, Result], None],
        heartbeat: Heartbeat,
        courier: Courier,
        breaker: Breaker,
        stop: Stop,
        observer: Observer,
    ) -> None:
        """``complete``: as the queue's; a worker may claim its next job in the same step."""
        self.rules = rules
        self._breaker = breaker
        self._queue = queue
        self._folders = JobFolders()
        self._complete = complete
        self._heartbeat = heartbeat
        self._courier = courier
        self._stop = stop
        self._observer = observer

    def close(self) -> None:
        """Leave no folder behind."""
        self._folders.close()

    def waiting(self) -> set[str]:
        """The job types that are stopped and whose jobs go to no fallback meanwhile."""
        known = self.rules.catalog.job_types
        have_fallbacks = {name for name in known if self.rules.fallback and known[name].fallback is not None}
        return {
            name for name, waits in self._breaker.stopped().items() if waits or name not in have_fallbacks
        }

    def run(self, claim: Claim) -> None:
        """Make a job and end it in the queue.

        Raises HandBack and HeartbeatDied, the job handed back, and DeviceLost, to be tried again: the
        start counts, since the job may be what the device does not stand.
        """
        self._observer.job_started(claim)
        start = time.monotonic()
        try:
            with self._folders.one() as folder:
                self._attempt(claim, folder, start)
        except LeaseLost:
            # Whoever holds the newer token tells what becomes of the job.
            self._observer.job_ended(claim, "lost", None)
        finally:
            self._courier.end()
            self._heartbeat.drop(claim.lease)

    def _attempt(self, claim: Claim, folder: Path, start: float) -> None:
        job: Job | None = None
        before: Reason | None = None
        try:
            self._heartbeat.hold(claim.lease, timeout=LOAD_TIMEOUT)
            before = self._why_rerouted(claim)
            job = read_job(claim, self.rules.catalog, before)
            if job.job_type.family != self.rules.maker.family.name:
                self._pass_on(claim, job.job_type, before)
                return
            stopped = self._breaker.why_stopped(job.job_type.id)
            if stopped is not None:
                self._step_aside(claim, job.job_type, JobTypeStopped(stopped))
                return
            self._breaker.begins(job.job_type.id)
            result = self._make(job, folder)
        except LeaseLost:
            raise
        except JobCancelled:
            self._insist(lambda: self._queue.cancelled(claim.lease))
            self._observer.job_ended(claim, "cancelled", None)
        except (HandBack, HeartbeatDied):
            self._insist(lambda: self._queue.hand_back(claim.lease))
            self._observer.job_ended(claim, "handed back", None)
            raise
        except DeviceLost as error:
            self._try_later(claim, failure_of(error, before))
            raise
        except OurvidzError as error:
            self._fail(claim, job.job_type if job else None, error, before)
        except Exception as error:  # noqa: BLE001  log_foreign logs it
            log_foreign(log, error, "job %s: the model", claim.lease.job_id)
            self._fail(claim, job.job_type if job else None, error, before)
        else:
            self._insist(lambda: self._complete(claim.lease, result))
            self._breaker.made(claim.job_type)
            self._observer.job_completed(claim, result, time.monotonic() - start)

    def _make(self, job: Job, folder: Path) -> Result:
        starts, claim = job.job_type.max_attempts, job.claim
        if claim.attempt > starts:
            raise AttemptsExhausted(f"given up after {starts} starts, none of which came to an end")
        running = RunningJob(
            claim,
            job.job_type.timeout_seconds,
            folder,
            self._heartbeat,
            self._courier,
            self._stop,
            self._observer,
        )
        self._courier.begin(claim, job.request)
        return self.rules.maker.make(job, self.rules.catalog, running)

    def _pass_on(self, claim: Claim, job_type: JobType, before: Reason | None) -> None:
        """A producer pushed onto another family's queue: the job goes where its job type says."""
        wrong = WrongQueue(f"{job_type.id} was pushed onto {claim.queue}, its queue is {job_type.queue}")
        if claim.queue == job_type.queue:
            raise wrong
        queue, failure = job_type.queue, failure_of(wrong, before)
        self._insist(
            lambda: self._queue.reroute(claim.lease, queue=queue, job_type=job_type.id, failure=failure)
        )
        self._observer.job_ended(claim, f"passed on to {queue}", failure)

    def _step_aside(self, claim: Claim, job_type: JobType, stopped: JobTypeStopped) -> None:
        """A job of a type that is not to be tried now: to its fallback at once, or back to its place."""
        fallback = self._fallback_of(claim, job_type)
        if fallback is not None:
            self._give_to(fallback, claim, failure_of(stopped))
            return
        self._breaker.let_wait(job_type.id)
        self._insist(lambda: self._queue.hand_back(claim.lease))
        self._observer.job_ended(claim, "handed back", failure_of(stopped))

    def _why_rerouted(self, claim: Claim) -> Reason | None:
        """Why the job type that was asked for failed; None if no fallback has taken over."""
        if not claim.rerouted:
            return None
        error = self._insist(lambda: self._queue.job(claim.lease.job_id)).error
        assert error is not None, "a job is rerouted with a failure"
        # Of a fallback that was tried before, the failure knows the first one.
        return error.before or error.reason

    def _fail(self, claim: Claim, job_type: JobType | None, error: Exception, before: Reason | None) -> None:
        failure = failure_of(error, before)
        fallback = self._fallback_of(claim, job_type)
        decision = decide(
            error,
            attempt=claim.attempt,
            max_attempts=job_type.max_attempts if job_type else 1,
            has_fallback=fallback is not None,
        )
        if decision == "retry":
            self._try_later(claim, failure)
        elif decision == "fallback" and fallback is not None:
            self._give_to(fallback, claim, failure)
        else:
            self._insist(lambda: self._queue.fail(claim.lease, failure, dead_letter=decision == "bury"))
            self._observer.job_ended(claim, "failed", failure)
        if job_type is not None and blames_model(error):
            self._breaker.failed(job_type.id, claim.lease.job_id, failure.reason)

    def _give_to(self, fallback: JobType, claim: Claim, failure: Failure) -> None:
        queue, to = fallback.queue, fallback.id
        self._insist(lambda: self._queue.reroute(claim.lease, queue=queue, job_type=to, failure=failure))
        self._observer.job_ended(claim, f"given to {to}", failure)

    def _try_later(self, claim: Claim, failure: Failure) -> None:
        delay = back_off(claim.attempt, first=FIRST_RETRY, longest=LONGEST_RETRY)
        self._insist(lambda: self._queue.retry_later(claim.lease, failure, delay=delay))
        self._observer.job_ended(claim, "tried again later", failure)

    def _insist(self, settle: Callable[[], T]) -> T:
        """Say how a job ended until the queue has heard it: what is made must not be made again.

        News of the job are over by then, or one might arrive after its end.
        The verbs may be repeated, and the heartbeat keeps the lease meanwhile. Raises LeaseLost, and
        QueueUnavailable only if the worker must stop now.
        """
        self._courier.end()
        while True:
            try:
                return settle()
            except QueueUnavailable as error:
                if self._stop.now:
                    raise
                log.warning("%s; trying again", error)
                time.sleep(INSIST_INTERVAL)

    def _fallback_of(self, claim: Claim, job_type: JobType | None) -> JobType | None:
        """The job type that may take over: declared, switched on, and not one that took over already."""
        if not self.rules.fallback or job_type is None or job_type.fallback is None or claim.rerouted:
            return None
        return self.rules.catalog[job_type.fallback]
