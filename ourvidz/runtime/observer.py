"""What a worker tells whoever started it, while it works: enough for a progress bar and a log."""

from __future__ import annotations

from collections.abc import Sequence

from ourvidz.errors import OurvidzError
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.runtime.breaker import BreakerEvent


class Observer:
    """Every method does nothing; override what you want to see. Called from the worker's thread."""

    def model_loading(self, model: str) -> None:
        """A checkpoint is being loaded."""

    def model_loaded(self, model: str, seconds: float) -> None:
        """A checkpoint is ready."""

    def model_unloaded(self, model: str, why: str) -> None:
        """A checkpoint left the memory while the worker goes on."""

    def ready(self) -> None:
        """What can be loaded before there is a job is loaded; the worker takes jobs now."""

    def idle(self) -> None:
        """Nothing waits; the worker does."""

    def job_started(self, claim: Claim) -> None:
        """A job was claimed."""

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        """``step`` of ``steps`` of a stage is done."""

    def stopping(self) -> None:
        """The worker was asked to stop, and finishes the running job first."""

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        """A job is done."""

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        """A completed job's event was delivered; ``places`` are its results, thumbnails and record."""

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        """A job left this worker otherwise: failed, cancelled, tried again later, handed back, lost."""

    def breaker(self, event: BreakerEvent) -> None:
        """A job type was stopped since its model keeps failing, is tried with one job, or goes on."""

    def specs_changed(self, error: OurvidzError | None) -> None:
        """The job types were read anew; with an error, the old ones stay in use."""

    def stopped(self, jobs: int) -> None:
        """The worker has taken so many jobs and takes no more."""


class Observers(Observer):
    """Tells several observers, one after the other."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def model_loading(self, model: str) -> None:
        for one in self._observers:
            one.model_loading(model)

    def model_loaded(self, model: str, seconds: float) -> None:
        for one in self._observers:
            one.model_loaded(model, seconds)

    def model_unloaded(self, model: str, why: str) -> None:
        for one in self._observers:
            one.model_unloaded(model, why)

    def ready(self) -> None:
        for one in self._observers:
            one.ready()

    def idle(self) -> None:
        for one in self._observers:
            one.idle()

    def job_started(self, claim: Claim) -> None:
        for one in self._observers:
            one.job_started(claim)

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        for one in self._observers:
            one.step(job_id, stage, step, steps)

    def stopping(self) -> None:
        for one in self._observers:
            one.stopping()

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        for one in self._observers:
            one.job_completed(claim, result, seconds)

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        for one in self._observers:
            one.job_told(job_id, places)

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        for one in self._observers:
            one.job_ended(claim, outcome, failure)

    def breaker(self, event: BreakerEvent) -> None:
        for one in self._observers:
            one.breaker(event)

    def specs_changed(self, error: OurvidzError | None) -> None:
        for one in self._observers:
            one.specs_changed(error)

    def stopped(self, jobs: int) -> None:
        for one in self._observers:
            one.stopped(jobs)
