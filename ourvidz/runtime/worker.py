"""A worker: claims the jobs of one family, one at a time, until it is told to stop."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Self

from ourvidz.errors import NotFound, OurvidzError
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.jobs.queue import Claim, Lease, LeaseLost, QueueUnavailable
from ourvidz.jobs.results import Result
from ourvidz.plugins.device_errors import DeviceLost
from ourvidz.plugins.environment import require_environment
from ourvidz.plugins.family import ModelFamily
from ourvidz.plugins.worker_events import WorkerEvent, WorkerEventKind
from ourvidz.project import Project
from ourvidz.runtime.backends import open_callback, open_queue, open_storage
from ourvidz.runtime.breaker import Breaker, BreakerEvent
from ourvidz.runtime.callback.courier import Courier
from ourvidz.runtime.executor import Executor, HandBack, Rules, Stop
from ourvidz.runtime.heartbeat import Heartbeat
from ourvidz.runtime.making.maker import Maker, NamedProfile
from ourvidz.runtime.making.resident_models import ResidentModels
from ourvidz.runtime.making.review import Review
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.result_places import result_places
from ourvidz.runtime.spec_watch import SpecWatch
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import WorkerEntry

log = logging.getLogger(__name__)

#: How long one wait for a job lasts before specs, and a wish to stop, are looked at again, in seconds.
WAIT = 1.0

#: Seconds between two looks at the specs while one job follows another.
LOOK_INTERVAL = 0.1

#: Seconds in which what was just made has mostly been told, before a worker says that it is idle.
BREATH = 0.05

#: How long a worker that has forgotten everything old waits until it looks again, in seconds.
FORGETTING_INTERVAL = 3600.0


class ProfileUnknown(NotFound):
    """``ourvidz.yaml`` has no profile of this name."""

    code = "profile_unknown"


class Worker:
    """One process's worth of work for one plugin. Use as a context manager.

    It holds one queue connection, one heartbeat process and the models that it has room for.
    """

    def __init__(
        self,
        project: Project,
        plugin: str,
        *,
        job_type: str | None = None,
        profile: str | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Open everything that the worker needs; models are loaded by :meth:`prepare` or by jobs.

        Raises NotFound for an unknown plugin, job type or profile, EnvironmentDiffers, ReviewerMissing,
        BackendUnknown, QueueUnavailable.
        """
        self.project = project
        self.family: ModelFamily[Any] = project.family(plugin)
        require_environment(project.settings, self.family.name)
        self.observer = observer or Observer()
        self.name = f"{socket.gethostname()}:{os.getpid()}:{self.family.name}"
        self._only = None if job_type is None else project.job_type_of(self.family, job_type).id
        self._entry = project.settings.workers.get(self.family.name, WorkerEntry())
        self._profile = profile
        self._stop = Stop()
        self._nonce = uuid.uuid4().hex
        self._next: Claim | None = None
        self._takes_one = False
        self._idle = False
        self._next_forgetting = -math.inf
        self._watch = SpecWatch(project)
        self._next_look = -math.inf
        self._courier = Courier(project)
        self._breaker = Breaker(project.settings.breaker, tell=self._announce_breaker)
        with ExitStack() as stack:
            self._storage = open_storage(project)
            stack.callback(self._storage.close)
            self.queue = open_queue(project)
            stack.callback(self.queue.close)
            stack.callback(self._lift_stops)
            self._callback = open_callback(project)
            stack.callback(self._callback.close)
            self._models = ResidentModels(project, self.family, self._entry.device, self.observer, self.name)
            self._models.follow(project, self._job_types())
            stack.callback(self._models.unload)
            rules = self._rules(project)
            heartbeat = Heartbeat(project, lease_seconds=self._entry.lease)
            stack.callback(heartbeat.close)
            self._close = stack.pop_all()
        self._executor = Executor(
            rules,
            queue=self.queue,
            complete=self._complete,
            heartbeat=heartbeat,
            courier=self._courier,
            breaker=self._breaker,
            stop=self._stop,
            observer=self.observer,
        )
        self._close.callback(self._executor.close)

    def prepare(self) -> None:
        """Load the model if all job types use the same one. Raises what the family's ``load`` raises.

        Of several, each is loaded by the first job that needs it, so that one which is missing stops
        no other.
        """
        catalog = self.project.catalog
        names = {catalog.model_name(one) for one in self._job_types() if one.takes_jobs}
        if len(names) == 1:
            name = names.pop()
            self._models.get(name, catalog.models[name])
        self.observer.ready()

    def run(self, *, burst: bool = False, once: bool = False) -> int:
        """Work until stopped; returns how many jobs were taken.

        ``burst``: until nothing waits; ``once``: one job at most. SIGTERM and SIGINT finish the running
        job and take no more; a second one hands it back at once. Raises HeartbeatDied, and DeviceLost,
        after which this process can make nothing any more.
        """
        jobs = 0
        self._takes_one = once
        with self._signals():
            self._courier.start()
            self._tell("started")
            if not self._job_types():
                log.warning("no job type has %s as its worker; one that is added is served", self.family.name)
            try:
                while not self._stop.drain and not (once and jobs):
                    try:
                        took_one = self._take_turn()
                        if not took_one and not (burst or once):
                            self._rest()
                    except QueueUnavailable as error:
                        log.warning("%s; trying again", error)
                        time.sleep(WAIT)
                        continue
                    if not took_one and (burst or once):
                        break
                    jobs += took_one
            except HandBack:
                log.info("stopped at once; the running job went back to its queue")
            except DeviceLost:
                # Whoever touches the device again gets the same error, or worse.
                self._models.abandon()
                raise
            finally:
                self._hand_back_next()
                self._courier.stop()
            self._announce_accepted()
            self.observer.stopped(jobs)
            self._tell("stopped")
        return jobs

    def stop(self) -> None:
        """Ask :meth:`run` to finish; from another thread or a signal handler."""
        self._stop.ask()

    def close(self) -> None:
        """Unload all models and close every connection."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_turn(self) -> bool:
        """Look at the specs, say what was told, and make one job if one waits."""
        if self._next is None or time.monotonic() >= self._next_look:
            self._reload()
        self._announce_accepted()
        self._forget()
        claim, self._next = self._next or self._claim(), None
        if claim is None:
            return False
        if claim.job_type not in self.project.catalog.job_types:
            # Its spec may be newer than the last look.
            self._reload()
        self._idle = False
        self._executor.run(claim)
        self._courier.wake()
        return True

    def _rest(self) -> None:
        """Wait until a job may have come."""
        if not self._idle:
            if self.queue.wait(self._queues(), timeout=BREATH, only=self._only_types()):
                return
            self._announce_accepted()
            self._idle = True
            self.observer.idle()
            self._tell("idle")
        while not self._stop.drain and self._forget():
            # A part at a time, so that no other worker waits long for the queue.
            pass
        # No claim before one may find something: every one costs a command where a server is asked.
        while not self.queue.wait(self._queues(), timeout=WAIT, only=self._only_types()):
            self._reload()
            self._announce_accepted()
            self._forget()
            if self._stop.drain:
                return

    def _announce_breaker(self, event: BreakerEvent) -> None:
        self.observer.breaker(event)
        if event.kind == "stopped":
            self._tell("job_type_stopped", event.job_type)
            self._note(
                lambda: self.queue.stops.put(
                    worker=self.name,
                    job_type=event.job_type,
                    failures=event.failures,
                    reason=event.reason,
                    seconds=event.seconds,
                )
            )
        elif event.kind == "resumed":
            self._tell("job_type_resumed", event.job_type)

    def _lift_stops(self) -> None:
        if self._breaker.stopped():
            self._note(lambda: self.queue.stops.lift(worker=self.name))

    def _note(self, note: Callable[[], None]) -> None:
        """Leave a note in the queue, or none: nothing depends on it."""
        try:
            note()
        except QueueUnavailable as error:
            log.warning("%s; `ourvidz queues` does not show which job types are stopped", error)

    def _forget(self) -> bool:
        """Forget a part of what ended long ago, and when there is no more, look again in an hour.

        Says whether there may be more.
        """
        if time.monotonic() < self._next_forgetting:
            return False
        keep = self.project.settings.keep
        if self.queue.trim(older_than=keep):
            return True
        self.queue.dead_letters.purge(older_than=keep)
        self._next_forgetting = time.monotonic() + FORGETTING_INTERVAL
        return False

    def _announce_accepted(self) -> None:
        for entry in self._courier.accepted():
            self._announce(entry)

    def _job_types(self) -> list[JobType]:
        mine = self.project.catalog.of_family(self.family.name)
        return [one for one in mine if self._only in (None, one.id)]

    def _only_types(self) -> set[str] | None:
        """The job types to take now; None: all, whether or not the catalog knows them."""
        waiting = self._executor.waiting()
        if not waiting:
            return None if self._only is None else {self._only}
        known = set(self.project.catalog.job_types) if self._only is None else {self._only}
        return known - waiting

    def _queues(self) -> list[str]:
        """The queues of this worker's job types, and the older ones that they replace."""
        names = sorted({one.queue for one in self._job_types()})
        replaced = [self.project.catalog.queues[name].replaces for name in names]
        return names + [name for name in replaced if name is not None]

    def _claim(self) -> Claim | None:
        return self._asking(self.queue.claim)

    def _complete(self, lease: Lease, result: Result) -> None:
        """End a job, and claim the next one in the same step if there is to be one."""
        if self._takes_one or self._stop.drain:
            self.queue.complete(lease, result)
        else:
            self._next = self._asking(partial(self.queue.complete_and_claim, lease, result))

    def _asking(self, ask: Callable[..., Claim | None]) -> Claim | None:
        claim = ask(
            self._queues(),
            worker=self.name,
            lease_seconds=self._entry.lease,
            nonce=self._nonce,
            only=self._only_types(),
        )
        # Kept until a reply has come: a job whose reply was lost is handed out to the same nonce.
        self._nonce = uuid.uuid4().hex
        return claim

    def _hand_back_next(self) -> None:
        """Give up a job that was claimed and not begun; where the queue is away, its lease runs out."""
        if self._next is None:
            return
        try:
            self.queue.hand_back(self._next.lease)
        except (QueueUnavailable, LeaseLost) as error:
            log.warning("%s; job %s is claimed by nobody soon", error, self._next.lease.job_id)
        self._next = None

    def _rules(self, project: Project) -> Rules:
        """What a project says about how jobs are made. Raises ReviewerMissing, ProfileUnknown."""
        entry = project.settings.workers.get(self.family.name, WorkerEntry())
        maker = Maker(
            family=self.family,
            models=self._models,
            storage=self._storage,
            review=Review.of(project),
            profile=find_profile(project, self._profile or entry.profile),
        )
        fallback = project.settings.on_failure == "fallback"
        return Rules(catalog=project.catalog, maker=maker, fallback=fallback)

    def _reload(self) -> None:
        """Go by changed job types and settings; if anything is wrong with them, by the old ones."""
        changed = self._watch.look()
        self._next_look = time.monotonic() + LOOK_INTERVAL
        if changed is None:
            return
        error = changed.error
        if error is None:
            try:
                self._executor.rules = self._rules(changed.project)
                self.project = changed.project
                self._lift_stops()
                self._breaker.renew(self.project.settings.breaker)
                self._models.follow(self.project, self._job_types())
            except OurvidzError as refused:
                error = refused
        self.observer.specs_changed(error)
        self._tell("specs_changed")

    def _announce(self, entry: OutboxEntry) -> None:
        """Let plugins and the observer know what was delivered."""
        event = JobEvent.model_validate_json(entry.body)
        self.project.plugins.job_event(event)
        if event.status == "completed":
            places = result_places(self._storage, self._callback, event.job_id, event.result)
            self.observer.job_told(event.job_id, places)

    def _tell(self, kind: WorkerEventKind, detail: str = "") -> None:
        self.project.plugins.worker_event(WorkerEvent(kind=kind, worker=self.name, detail=detail))

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT while working; elsewhere than in the main thread nothing is touched."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature is Python's
            self._stop.ask()

        before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def find_profile(project: Project, name: str | None) -> NamedProfile | None:
    """The profile of this name; None for None. Raises ProfileUnknown."""
    if name is None:
        return None
    profiles = project.settings.profiles
    if name not in profiles:
        known = ", ".join(profiles) or "none"
        raise ProfileUnknown(f"there is no profile {name!r} in ourvidz.yaml; known: {known}")
    return NamedProfile(name, profiles[name])
