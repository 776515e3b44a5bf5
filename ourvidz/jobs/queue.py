"""The queue protocol: how jobs wait, are claimed, and end. Version 1.

A claim is a lease with a fencing token. Whoever holds the newest token of a job may end it; every
verb of an older token answers :class:`LeaseLost` and changes nothing. A lease that runs out puts
the job back; so a worker may die at any moment and nothing is lost. One that was only slow keeps
the newest token until somebody else claims the job, and may still beat, which takes the job up
again, or end it. Every verb may be repeated after a lost reply without a second effect.

A running job whose cancellation was asked for ends as cancelled when its lease runs out or when
its worker puts it back; it does not start again.

`tests/conformance/queue.py` says the same in tests; a backend passes all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ourvidz.errors import NotFound, NotReady, OurvidzError
from ourvidz.jobs.dead_letters import DeadLetters
from ourvidz.jobs.events import Progress
from ourvidz.jobs.outbox import Outbox
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState
from ourvidz.jobs.stops import Stops

QUEUE_PROTOCOL_VERSION = 1


class QueueUnavailable(NotReady):
    """The queue's server or file cannot be reached or is full; the same call may work later."""

    code = "queue_unavailable"
    retryable = True


class JobNotFound(NotFound):
    """The queue knows no job of this id."""

    code = "job_not_found"


class LeaseLost(OurvidzError):
    """Somebody else holds the job now, or it has ended; this worker's claim no longer counts."""

    code = "lease_lost"


class JobStateConflict(OurvidzError):
    """The job is not in a state in which this can be done to it."""

    code = "job_state_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on one job: the newest token wins."""

    job_id: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job in the hands of a worker."""

    lease: Lease
    queue: str
    job_type: str
    """The job type to make: the requested one, or its fallback after a reroute."""
    rerouted: bool
    """Whether ``job_type`` is a fallback that took over."""
    attempt: int
    """Starts of this job type so far, this one included; a hand-back is not counted."""
    payload: bytes
    """What the producer pushed; :func:`ourvidz.jobs.wire.read_envelope` reads it."""


#: What a heartbeat learns: go on; stop, somebody cancelled the job.
Beat = Literal["ok", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """What the queue knows about one job. Times are seconds since the epoch."""

    job_id: str
    user_id: str
    queue: str
    job_type: str
    effective_job_type: str
    state: JobState
    attempt: int
    priority: int
    submitted_at: float
    """As the envelope says."""
    started_at: float | None
    """When the present attempt, or the last one, was claimed; None while the job waits."""
    finished_at: float | None
    due_at: float | None
    """When a delayed retry may start; None if at once."""
    cancel_requested: bool
    progress: Progress | None
    result: Result | None
    error: Failure | None
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How full a queue is."""

    queue: str
    waiting: Mapping[str, int]
    """Jobs that could start now, by job type."""
    delayed: int
    processing: int
    oldest_seconds: float | None
    """Age of the job that has waited longest, or None if none waits."""


class Queue(Protocol):
    """Where jobs wait. Safe to use from several processes; one object belongs to one thread."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def dead_letters(self) -> DeadLetters: ...

    @property
    def stops(self) -> Stops: ...

    @property
    def idle_seconds(self) -> float:
        """How long an idle worker may leave the outbox alone; long where every look costs a command."""
        ...

    def push(self, queue: str, payload: bytes) -> None:
        """Put what a producer wrote onto ``queue``; on return it is durable.

        Nothing is refused: a payload that is no envelope, too large or of a known id becomes a dead
        letter, or is dropped as a duplicate, no later than at the next claim.
        """
        ...

    def wait(self, queues: Collection[str], timeout: float, *, only: Collection[str] | None = None) -> bool:
        """Block until a job may be claimable on one of ``queues``, at most ``timeout`` seconds.

        True means "look now", not that a claim will find something. ``only`` as in :meth:`claim`.
        """
        ...

    def claim(
        self,
        queues: Sequence[str],
        *,
        worker: str,
        lease_seconds: float,
        nonce: str,
        only: Collection[str] | None = None,
    ) -> Claim | None:
        """Take the next job; None if none waits.

        Highest priority first. Within one, users of a queue take turns: a job's turn is one after
        its user's last, and not before those that start when it arrives. Then first in, first out.

        Expired leases are put back before. ``nonce`` names this call: asked again with the same one
        after a lost reply, the same claim is returned. ``only`` limits it to these job types.
        """
        ...

    def beat(self, lease: Lease, *, lease_seconds: float, progress: Progress | None = None) -> Beat:
        """Renew a lease and note the progress. Raises LeaseLost."""
        ...

    def complete(self, lease: Lease, result: Result) -> None:
        """End a job with its result and put the event into the outbox, in one step. Raises LeaseLost."""
        ...

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
        """As :meth:`complete` and then :meth:`claim`, in one step: a busy worker waits half as often.

        None if none waits then. Raises LeaseLost, and has claimed nothing.
        """
        ...

    def fail(self, lease: Lease, failure: Failure, *, dead_letter: bool = False) -> None:
        """End a job without a result, event included. Raises LeaseLost.

        ``dead_letter``: the job must not run, so this claim did not start it and is not counted as
        an attempt; its payload is kept.
        """
        ...

    def cancelled(self, lease: Lease) -> None:
        """End a job because its cancellation was seen, event included. Raises LeaseLost."""
        ...

    def retry_later(self, lease: Lease, failure: Failure, *, delay: float) -> None:
        """Put a job back to start again after ``delay`` seconds; the attempt counts. Raises LeaseLost."""
        ...

    def hand_back(self, lease: Lease) -> None:
        """Put a job back at its old place, as if it had not been claimed. Raises LeaseLost."""
        ...

    def reroute(self, lease: Lease, *, queue: str, job_type: str, failure: Failure) -> None:
        """Let another job type take over: same job, other queue, attempts from 0. Raises LeaseLost."""
        ...

    def cancel(self, job_id: str) -> JobState:
        """Ask for a job to stop: a waiting one ends at once, a running one at its next heartbeat.

        Returns the state after the call. Raises JobNotFound, and JobStateConflict if it has ended.
        """
        ...

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job anew, as if it had just been pushed, attempts from 0.

        Raises JobNotFound, and JobStateConflict in any other state.
        """
        ...

    def tell_again(self, job_id: str) -> None:
        """Put the event that ended a job into the outbox once more, the same one; not beside itself.

        Raises JobNotFound, and JobStateConflict if the job has not ended.
        """
        ...

    def tell_lost(self, job_id: str, failure: Failure) -> None:
        """Put an event into the outbox: a job failed that the queue does not know. Not beside itself.

        Raises JobStateConflict if the queue knows the job.
        """
        ...

    def job(self, job_id: str) -> JobRecord:
        """Look one job up. Raises JobNotFound."""
        ...

    def jobs(
        self,
        *,
        state: JobState | None = None,
        queue: str | None = None,
        job_type: str | None = None,
        limit: int = 50,
    ) -> list[JobRecord]:
        """The newest jobs first."""
        ...

    def states(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        """The states of those that the queue knows, of some hundreds at most."""
        ...

    def ahead(self, job_id: str) -> Mapping[str, int] | None:
        """How many jobs of which type start before this one; None if it is not waiting.

        Counts what could start now on the same queue. A later job of higher priority, or of a user
        who has fewer waiting, may still move ahead.
        """
        ...

    def depths(self) -> list[QueueDepth]:
        """Every queue that holds or has held a job, by name."""
        ...

    def commands_a_month(self, queues: Collection[str]) -> int | None:
        """Commands that one idle worker of these queues sends to the server in 30 days; None: no server.

        A running job adds its heartbeat, one command a second.
        """
        ...

    def typical_seconds(self, job_type: str) -> float | None:
        """Median time from start to end of recent completed jobs, or None if there are none."""
        ...

    def trim(self, *, older_than: float) -> int:
        """Forget jobs that ended more than ``older_than`` seconds ago, those that were told of only.

        Quick, however many there are: it forgets a part of them at a time, and returns how many.
        """
        ...

    def close(self) -> None: ...
