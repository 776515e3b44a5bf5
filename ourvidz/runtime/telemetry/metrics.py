"""What a worker measures, in Prometheus' text format. Needs ``ourvidz[metrics]``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ourvidz.errors import OurvidzError
from ourvidz.jobs import metrics as names
from ourvidz.jobs.queue import Claim, Queue
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.jobs.statistics import RUN, WAIT
from ourvidz.jobs.wire import read_envelope
from ourvidz.runtime.breaker import BreakerEvent
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.telemetry.queue_depths import QueueDepths
from ourvidz.spec.catalog import Catalog

#: The stage from a job's end to the delivery of its event.
CALLBACK = "callback"

#: Upper bounds of the histograms, in seconds: from a step that takes no time to a video on a small GPU.
BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000)

#: Stands for every job type that the catalog does not know: producers must not make up names here.
UNKNOWN = "unknown"

#: Completed jobs whose delivery is waited for; of older ones the time to it is not measured.
MOST_UNTOLD = 1000

#: Stands for a time of submission that a payload does not have. It is never past.
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


class Metrics(Observer):
    """Counts what happens to one worker. Read from any thread by :meth:`text`."""

    def __init__(self, family: str, catalog: Catalog, open_queue: Callable[[], Queue]) -> None:
        """``open_queue`` makes a connection for one look at the queue."""
        self._family = family
        self._catalog: Callable[[], Catalog] = lambda: catalog
        self._untold: dict[str, tuple[str, float]] = {}
        registry = self._registry = CollectorRegistry()
        typed = ("job_type",)
        self._jobs = Counter(
            names.JOBS, "Claims that ended, by outcome.", (*typed, "outcome"), registry=registry
        )
        self._errors = Counter(names.ERRORS, "Failed jobs, by code.", (*typed, "code"), registry=registry)
        self._late = Counter(
            names.LATE, "Completed jobs that ran longer than expected.", typed, registry=registry
        )
        self._seconds = Histogram(
            names.STAGE_SECONDS, "Seconds by stage.", (*typed, "stage"), buckets=BUCKETS, registry=registry
        )
        self._memory = Gauge(
            names.PEAK_MEMORY, "Most GPU memory that the last job took.", typed, registry=registry
        )
        self._stopped = Gauge(
            names.STOPPED, "1: stopped since its model keeps failing.", typed, registry=registry
        )
        self._stops = Counter(
            names.STOPS, "How often its model's failures stopped it.", typed, registry=registry
        )
        self._ready = Gauge(
            names.READY, "1: its models are loaded and it takes jobs.", ("family",), registry=registry
        )
        self._ready.labels(family).set(0)
        ProcessCollector(registry=registry)
        registry.register(QueueDepths(open_queue, lambda: self._catalog().queues))
        self._begin_at_zero()

    def text(self) -> bytes:
        """Everything, in Prometheus' text format; asks the queue how full it is."""
        return generate_latest(self._registry)

    @property
    def is_ready(self) -> bool:
        """Whether the worker takes jobs."""
        return self._registry.get_sample_value(names.READY, {"family": self._family}) == 1

    def follow(self, catalog: Callable[[], Catalog]) -> None:
        """Go by a catalog that may change, from now on."""
        self._catalog = catalog

    def ready(self) -> None:
        self._ready.labels(self._family).set(1)

    def job_started(self, claim: Claim) -> None:
        if claim.attempt == 1 and not claim.rerouted:
            try:
                submitted_at = read_envelope(claim.payload, received_at=NEVER).submitted_at.timestamp()
            except OurvidzError:
                # Whoever makes the job says what is wrong with it.
                return
            self._observe(self._known(claim.job_type), {WAIT: time.time() - submitted_at})

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        job_type = self._known(result.effective_job_type)
        self._jobs.labels(job_type, "completed").inc()
        self._observe(job_type, {**result.seconds, RUN: seconds})
        spec = self._catalog().job_types.get(job_type)
        if spec is not None and seconds > spec.expected_time:
            self._late.labels(job_type).inc()
        if result.peak_memory is not None:
            self._memory.labels(job_type).set(result.peak_memory)
        if len(self._untold) == MOST_UNTOLD:
            del self._untold[next(iter(self._untold))]
        self._untold[claim.lease.job_id] = (job_type, time.monotonic())

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        if ended := self._untold.pop(job_id, None):
            job_type, at = ended
            self._observe(job_type, {CALLBACK: time.monotonic() - at})

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        job_type = self._known(claim.job_type)
        # What comes behind "to" is where it went.
        self._jobs.labels(job_type, outcome.partition(" to ")[0].replace(" ", "_")).inc()
        if outcome == "failed" and failure is not None:
            self._errors.labels(job_type, failure.code).inc()

    def breaker(self, event: BreakerEvent) -> None:
        job_type = self._known(event.job_type)
        if event.kind == "stopped":
            self._stops.labels(job_type).inc()
        self._stopped.labels(job_type).set(0 if event.kind == "resumed" else 1)

    def specs_changed(self, error: OurvidzError | None) -> None:
        if error is None:
            # Every failure is forgotten then.
            self._stopped.clear()
            self._begin_at_zero()

    def stopping(self) -> None:
        self._ready.labels(self._family).set(0)

    def stopped(self, jobs: int) -> None:
        self._ready.labels(self._family).set(0)

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet: a rate needs two values, the first of them before the first job."""
        for one in self._catalog().of_family(self._family):
            for outcome in ("completed", "failed"):
                self._jobs.labels(one.id, outcome)
            self._late.labels(one.id)
            self._stops.labels(one.id)
            self._stopped.labels(one.id).set(0)

    def _known(self, job_type: str) -> str:
        return job_type if job_type in self._catalog().job_types else UNKNOWN

    def _observe(self, job_type: str, seconds: Mapping[str, float]) -> None:
        """A time that a clock step made negative does not count."""
        for stage, value in seconds.items():
            if value >= 0:
                self._seconds.labels(job_type, stage).observe(value)
