"""The queue on a Redis server: for many machines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Beat, Claim, JobRecord, Lease, QueueDepth, QueueUnavailable
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure, JobState
from ourvidz.runtime.queue import records, refusals
from ourvidz.runtime.queue.redis import rows
from ourvidz.runtime.queue.redis.arrivals import Lists, filings, pushed
from ourvidz.runtime.queue.redis.connection import Connection
from ourvidz.runtime.queue.redis.dead_letters import RedisDeadLetters
from ourvidz.runtime.queue.redis.diagnosis import diagnose
from ourvidz.runtime.queue.redis.eviction import check_keeps
from ourvidz.runtime.queue.redis.outbox import RedisOutbox
from ourvidz.runtime.queue.redis.scripts import Scripts
from ourvidz.runtime.queue.redis.stops import RedisStops
from ourvidz.runtime.queue.redis.waiting import LONGEST, Waiting
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import QueueEntry

#: Jobs that one call looks through, and forgets: some milliseconds, for which others have to wait.
PAGE = 500
FORGOTTEN_AT_A_TIME = 1_000


class RedisQueue:
    """See :class:`ourvidz.jobs.queue.Queue`.

    Leases and delays run by the server's clock. One that is put back would keep a dead worker's job
    for long: every lease is then cut to its full length from now.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        namespace: str,
        queues: Mapping[str, QueueEntry],
        offset: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """``connect`` makes a connection; a waiting queue needs several. Nothing is sent before it is used.

        ``queues``: what is known of the producers' lists; others are pushed to on the left.
        ``offset``: seconds to add to the server's clock, for tests.
        """
        self._connection = connect()
        self._scripts = Scripts(self._connection, namespace, offset)
        self._lists = Lists(queues)
        self._outbox = RedisOutbox(self._scripts)
        self._dead_letters = RedisDeadLetters(self._scripts)
        self._stops = RedisStops(self._scripts)
        self._waiting = Waiting(connect, self._look, self._connection.can_block)
        self._named: set[str] = set()
        self._is_checked = False

    @property
    def outbox(self) -> RedisOutbox:
        return self._outbox

    @property
    def dead_letters(self) -> RedisDeadLetters:
        return self._dead_letters

    @property
    def stops(self) -> RedisStops:
        return self._stops

    @property
    def idle_seconds(self) -> float:
        return LONGEST

    def push(self, queue: str, payload: bytes) -> None:
        if queue not in self._named:
            self._connection.command("SADD", self._scripts.key("queues"), queue)
            self._named.add(queue)
        self._connection.command(self._lists.push_command(queue), queue, payload)
        # It is durable, and has woken whoever waits. Filed at once, it keeps its place among jobs of
        # other queues, which lists do not tell; where that fails, the next claim does it.
        with suppress(QueueUnavailable):
            filing = pushed(payload)
            self._scripts.run("file", self._lists.ask([queue]) | {"filings": [filing]}, [queue])

    def wait(self, queues: Collection[str], timeout: float, *, only: Collection[str] | None = None) -> bool:
        return self._waiting.wait(queues, timeout, only, self._polling_interval(queues))

    def claim(
        self,
        queues: Sequence[str],
        *,
        worker: str,
        lease_seconds: float,
        nonce: str,
        only: Collection[str] | None = None,
    ) -> Claim | None:
        if not self._is_checked:
            check_keeps(self._connection)
            self._is_checked = True
        self._waiting.forget()
        ask = self._asked(queues, worker, lease_seconds, nonce, only)
        return self._claimed(self._scripts.run("claim", ask, queues), ask, queues)

    def beat(self, lease: Lease, *, lease_seconds: float, progress: Progress | None = None) -> Beat:
        ask = {"lease": str(lease_seconds), "progress": progress and progress.model_dump_json()}
        match self._held("beat", lease, ask):
            case [b"ok", b"cancel"]:
                return "cancel"
        return "ok"

    def complete(self, lease: Lease, result: Result) -> None:
        ask = {"verb": "complete", "state": "completed", "result": result.model_dump_json()}
        self._held("finish", lease, ask)

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
        ask = self._asked(queues, worker, lease_seconds, nonce, only)
        ending = {"verb": "complete", "result": result.model_dump_json()}
        return self._claimed(self._held("claim", lease, ask | ending, queues), ask, queues)

    def fail(self, lease: Lease, failure: Failure, *, dead_letter: bool = False) -> None:
        ask = {
            "verb": "fail",
            "state": "failed",
            "failure": failure.model_dump_json(),
            "dead_letter": "1" if dead_letter else None,
        }
        self._held("finish", lease, ask)

    def cancelled(self, lease: Lease) -> None:
        self._held("finish", lease, {"verb": "cancelled", "state": "cancelled"})

    def retry_later(self, lease: Lease, failure: Failure, *, delay: float) -> None:
        ask = {"verb": "retry_later", "failure": failure.model_dump_json(), "delay": str(delay)}
        self._held("put_back", lease, ask)

    def hand_back(self, lease: Lease) -> None:
        self._held("put_back", lease, {"verb": "hand_back"})

    def reroute(self, lease: Lease, *, queue: str, job_type: str, failure: Failure) -> None:
        ask = {
            "verb": "reroute",
            "queue": queue,
            "job_type": job_type,
            "failure": failure.model_dump_json(),
        }
        self._held("put_back", lease, ask)

    def cancel(self, job_id: str) -> JobState:
        self._arrive()
        match self._scripts.run("cancel", {"job_id": job_id}, repeatable=False):
            case [b"ok", state]:
                return _state(state)
            case [b"ended", state]:
                raise refusals.has_ended(job_id, _state(state))
        raise refusals.job_unknown(job_id)

    def retry(self, job_id: str) -> None:
        self._waiting.forget()
        match self._scripts.run("retry", {"job_id": job_id}, repeatable=False):
            case [b"unknown"]:
                raise refusals.job_unknown(job_id)
            case [b"conflict", state]:
                raise refusals.cannot_start_anew(job_id, _state(state))

    def tell_again(self, job_id: str) -> None:
        match self._scripts.run("tell_again", {"job_id": job_id}):
            case [b"unknown"]:
                raise refusals.job_unknown(job_id)
            case [b"conflict", state]:
                raise refusals.has_not_ended(job_id, _state(state))

    def tell_lost(self, job_id: str, failure: Failure) -> None:
        self._arrive()
        match self._scripts.run("tell_lost", {"job_id": job_id, "failure": failure.model_dump_json()}):
            case [b"conflict", state]:
                raise refusals.is_not_lost(job_id, _state(state))

    def job(self, job_id: str) -> JobRecord:
        self._arrive()
        match self._scripts.run("job", {"job_id": job_id}):
            case [b"ok", job, payload, result]:
                return rows.job_record(job, payload, result)
        raise refusals.job_unknown(job_id)

    def jobs(
        self,
        *,
        state: JobState | None = None,
        queue: str | None = None,
        job_type: str | None = None,
        limit: int = 50,
    ) -> list[JobRecord]:
        self._arrive()
        found: list[JobRecord] = []
        ask = {"state": state, "queue": queue, "pushed_type": job_type, "page": str(PAGE)}
        below = "+inf"
        while len(found) < limit:
            next_below, *page = self._scripts.run(
                "jobs", ask | {"below": below, "limit": str(limit - len(found))}
            )
            if not next_below:
                break
            below = next_below.decode()
            found += [rows.job_record(*page[start : start + 3]) for start in range(0, len(page), 3)]
        return found

    def states(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        self._arrive()
        found = self._scripts.run("states", {"job_ids": list(job_ids)})
        return {one.decode(): _state(state) for one, state in zip(found[::2], found[1::2], strict=True)}

    def ahead(self, job_id: str) -> Mapping[str, int] | None:
        self._arrive()
        match self._scripts.run("ahead", {"job_id": job_id}):
            case [b"ok", *counts]:
                return {
                    job_type.decode(): int(count)
                    for job_type, count in zip(counts[::2], counts[1::2], strict=True)
                }
            case [b"started"]:
                return None
        raise refusals.job_unknown(job_id)

    def depths(self) -> list[QueueDepth]:
        self._arrive()
        found = [rows.depth(one) for one in self._scripts.run("depths", {})]
        return sorted(found, key=lambda depth: depth.queue)

    def commands_a_month(self, queues: Collection[str]) -> int:
        return self._waiting.commands_a_month(len(queues), self._polling_interval(queues))

    def typical_seconds(self, job_type: str) -> float | None:
        fields = [f"{job_type}:{number}" for number in range(records.RECENT)]
        kept = self._connection.command("HMGET", self._scripts.key("seconds"), *fields)
        assert isinstance(kept, list)
        return records.typical(float(one) for one in kept if isinstance(one, bytes))

    def trim(self, *, older_than: float) -> int:
        ask = {"older_than": str(older_than), "limit": str(FORGOTTEN_AT_A_TIME)}
        return int(self._scripts.run("trim", ask)[0])

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`."""
        return diagnose(self._connection)

    def close(self) -> None:
        self._waiting.close()
        self._connection.close()

    def _polling_interval(self, queues: Collection[str]) -> float:
        return min((self._lists.polling_interval(one) for one in queues), default=LONGEST)

    def _asked(
        self,
        queues: Sequence[str],
        worker: str,
        lease_seconds: float,
        nonce: str,
        only: Collection[str] | None,
    ) -> dict[str, Any]:
        """What a claim is asked for."""
        return self._lists.ask(queues) | {
            "worker": worker,
            "lease": str(lease_seconds),
            "nonce": nonce,
            "only": None if only is None else list(only),
        }

    def _claimed(self, reply: Sequence[bytes], ask: Mapping[str, Any], queues: Sequence[str]) -> Claim | None:
        """The claim in a reply, once everything that has arrived is filed."""
        while reply[0] == b"arrived":
            reply = self._scripts.run("claim", {**ask, "filings": filings(reply[1:])}, queues)
        match reply:
            case [b"claimed", job, payload]:
                return rows.claim(job, payload)
        return None

    def _held(
        self, script: str, lease: Lease, ask: Mapping[str, Any], lists: Sequence[str] = ()
    ) -> list[bytes]:
        """Run a verb of whoever holds a lease. Raises LeaseLost."""
        self._waiting.forget()
        reply = self._scripts.run(script, {"job_id": lease.job_id, "token": str(lease.token), **ask}, lists)
        match reply:
            case [b"lost", b"outdated", newest]:
                raise refusals.lease_outdated(lease, int(newest))
            case [b"lost", b"ended", verb]:
                raise refusals.claim_ended(lease, verb.decode())
            case [b"lost", *_]:
                raise refusals.job_gone(lease)
        return reply

    def _look(
        self, queues: Collection[str], only: Collection[str] | None = None
    ) -> tuple[bool, float | None]:
        """File what has arrived on some queues, and let the clock do its part.

        Says whether a job can be claimed, and in how many seconds the clock next matters.
        """
        names = list(queues)
        ask: dict[str, Any] = self._lists.ask(names) | {"only": None if only is None else list(only)}
        reply = self._scripts.run("arrive", ask, names)
        while reply[0] != b"looked":
            reply = self._scripts.run("arrive", ask | {"filings": filings(reply[1:])}, names)
        _, ready, due = reply
        return bool(ready), float(due) if due else None

    def _arrive(self) -> None:
        """File what has arrived on all queues that are known, before a look at the jobs."""
        named = self._connection.command("SMEMBERS", self._scripts.key("queues"))
        assert isinstance(named, list)
        heard = {one.decode() for one in named if isinstance(one, bytes)}
        self._look(sorted(heard | self._lists.names))


def _state(text: bytes) -> JobState:
    return cast(JobState, text.decode())
