"""Tells the platform from a thread of its own, so that no receiver ever holds up a GPU.

How a job ended comes from the outbox: in order, until it is accepted. That a job runs, and how far
it is, are news: the latest is told, a refused one is tried again while the job runs, and none is
told once its end may be. News wait for a receiver that is away just as the outbox does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from ourvidz.jobs.callback import Callback
from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.events import JobEvent, Progress, progress_sequence
from ourvidz.jobs.outbox import Outbox, OutboxEntry
from ourvidz.jobs.queue import Claim, QueueUnavailable
from ourvidz.project import Project
from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.backends import open_callback, open_queue
from ourvidz.runtime.callback.delivery import FIRST_DELAY, LEASE, LONGEST_DELAY, deliver_due, refusal
from ourvidz.runtime.foreign_errors import log_foreign

log = logging.getLogger(__name__)

#: Seconds between two looks at the news of the running job.
LOOK_INTERVAL = 0.5

#: Seconds that it leaves the worker alone after it has delivered something, so that events gather.
GATHER = 0.02

#: Events delivered between two looks at the news.
_AT_A_TIME = 20


@dataclass(slots=True)
class _Running:
    """The running job, and what was told of it."""

    claim: Claim
    request: Envelope
    started_at: datetime
    progress: Progress | None = None
    told: int = 0
    """The number of the last event that was accepted; the first one says that the job has started."""
    tried: int = 1
    told_at: float = 0.0

    def news(self, now: float, interval: float) -> JobEvent | None:
        """What is to be told now, if anything is."""
        if self.told == 0:
            return self._event()
        if self.progress is None or now - self.told_at < interval:
            return None
        self.tried += 1
        return self._event(self.progress)

    def _event(self, progress: Progress | None = None) -> JobEvent:
        claim, request = self.claim, self.request
        return JobEvent(
            job_id=claim.lease.job_id,
            sequence=progress_sequence(claim.lease.token, self.tried),
            status="processing",
            at=self.started_at,
            user_id=request.user_id,
            job_type=request.job_type,
            effective_job_type=claim.job_type,
            attempt=claim.attempt,
            started_at=self.started_at,
            progress=progress,
            metadata=request.metadata,
        )


class Courier:
    """The worker's end; :meth:`start` and :meth:`stop` frame everything else."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._interval = project.settings.callback.progress
        self._changed = threading.Condition()
        self._running: _Running | None = None
        self._is_telling = False
        self._is_wanted = False
        self._stopping = False
        self._accepted: SimpleQueue[OutboxEntry] = SimpleQueue()
        self._refusals = 0
        self._news_due = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="courier")
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is due, as long as it is accepted, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(LEASE)
            if self._thread.is_alive():
                log.warning("the callback does not come back; what it was given is told again later")

    def begin(self, claim: Claim, request: Envelope) -> None:
        """A job starts to run."""
        with self._changed:
            self._running = _Running(claim, request, datetime.now(UTC))

    def step(self, progress: Progress) -> None:
        """The running job is so far."""
        with self._changed:
            if self._running is not None:
                self._running.progress = progress

    def end(self) -> None:
        """Tell no more of the running job; on return nothing of it is under way."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: not self._is_telling, timeout=LEASE)

    def wake(self) -> None:
        """There is something in the outbox."""
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()

    def accepted(self) -> Iterator[OutboxEntry]:
        """Events from the outbox that have arrived since the last call."""
        while True:
            try:
                yield self._accepted.get_nowait()
            except Empty:
                return

    def _run(self) -> None:
        """Serve until the end; after whatever went wrong, with queue and callback opened anew."""
        while True:
            try:
                with (
                    closing(open_queue(self._project)) as queue,
                    closing(open_callback(self._project)) as callback,
                ):
                    self._serve(queue.outbox, callback, queue.idle_seconds)
                return
            except QueueUnavailable as error:
                log.warning("%s; what is to be told is told later", error)
            except Exception as error:  # noqa: BLE001  log_foreign logs it
                log_foreign(log, error, "telling what became of jobs")
            self._pause()
            if self._stopping:
                return

    def _serve(self, outbox: Outbox, callback: Callback, idle_seconds: float) -> None:
        """Look at the outbox when asked to, when a refused event is due, and every ``idle_seconds``."""
        next_look = 0.0
        while True:
            with self._changed:
                is_last = self._stopping
            is_all, gathers = True, False
            if is_last or time.monotonic() >= next_look:
                outcome = deliver_due(outbox, callback, limit=_AT_A_TIME, accepted=self._accepted.put)
                is_all = outcome.accepted < _AT_A_TIME
                gathers = is_all and outcome.accepted > 0
                next_look = time.monotonic() + (min(idle_seconds, outcome.retry_in) if is_all else 0.0)
            self._tell_news(callback)
            if is_last and is_all:
                return
            if gathers:
                time.sleep(GATHER)
            if is_all and self._pause():
                next_look = 0.0

    def _pause(self) -> bool:
        """Wait until there may be something to do; says whether the outbox is to be looked at."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_wanted or self._stopping, timeout=LOOK_INTERVAL)
            is_wanted, self._is_wanted = self._is_wanted, False
            return is_wanted

    def _tell_news(self, callback: Callback) -> None:
        with self._changed:
            running, now = self._running, time.monotonic()
            event = running and now >= self._news_due and running.news(now, self._interval)
            if not running or not event:
                return
            self._is_telling = True
        try:
            body = event.model_dump_json().encode()
            reason = refusal(
                callback, OutboxEntry(id=event.sequence, job_id=event.job_id, body=body, tries=0)
            )
        finally:
            with self._changed:
                self._is_telling = False
                self._changed.notify_all()
        now = time.monotonic()
        if reason is None:
            running.told, running.told_at = running.tried, now
            self._refusals, self._news_due = 0, now
            return
        self._refusals += 1
        delay = back_off(self._refusals, first=FIRST_DELAY, longest=LONGEST_DELAY)
        self._news_due = now + delay
        log.warning("job %s: news not accepted, no more for %.0f s: %s", event.job_id, delay, reason)
