"""A process that a test kills: it pushes, works or delivers until then, and says what it has done.

A line is written after a call has returned, so it says what the queue has acknowledged.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from ourvidz.jobs.queue import Claim, LeaseLost, Queue, QueueUnavailable
from tests.conformance.jobs import payload, result

T = TypeVar("T")

#: Short, so that the jobs of a killed worker are soon up again.
LEASE = 0.2


def push(queue: Queue, numbers: range) -> None:
    for number in numbers:
        insist(lambda number=number: queue.push("sdxl_queue", payload(number)))  # type: ignore[misc]
        say("pushed", str(number))


def work(queue: Queue) -> None:
    """Claim, and go from job to job while there are more."""
    while True:
        if not insist(lambda: queue.wait(["sdxl_queue"], timeout=LEASE)):
            say("idle", "-")
        nonce = new_nonce()
        claimed = insist(
            lambda nonce=nonce: queue.claim(  # type: ignore[misc]
                ["sdxl_queue"], worker="victim", lease_seconds=LEASE, nonce=nonce
            )
        )
        while claimed is not None:
            claimed = make(queue, claimed, new_nonce())


def make(queue: Queue, made: Claim, nonce: str) -> Claim | None:
    """Complete a job, deliver what is due, and return the next one."""
    try:
        following = insist(
            lambda: queue.complete_and_claim(
                made.lease, result(made), ["sdxl_queue"], worker="victim", lease_seconds=LEASE, nonce=nonce
            )
        )
    except LeaseLost:
        # The queue was away for longer than the lease, and somebody else has the job.
        return None
    say("completed", made.lease.job_id)
    for entry in insist(lambda: queue.outbox.claim(limit=5, lease_seconds=LEASE)):
        say("delivered", f"{entry.job_id}/{entry.id}")
        queue.outbox.delivered(entry)
    return following


def new_nonce() -> str:
    return f"{os.getpid()}-{os.urandom(4).hex()}"


def insist(call: Callable[[], T]) -> T:
    """Repeat a call until the queue has heard it, as workers do."""
    while True:
        try:
            return call()
        except QueueUnavailable:
            time.sleep(0.01)


def say(what: str, which: str) -> None:
    os.write(1, f"{what} {which}\n".encode())


def open_queue(place: str) -> Queue:
    kind, _, where = place.partition(":")
    if kind == "redis":
        from tests.runtime.redis_site import RedisSite

        return RedisSite(int(where)).open()
    from ourvidz.runtime.queue.sqlite import SqliteQueue

    return SqliteQueue(Path(where))


if __name__ == "__main__":
    place, role, *numbers = sys.argv[1:]
    with closing(open_queue(place)) as opened:
        if role == "push":
            push(opened, range(*map(int, numbers)))
        else:
            work(opened)
