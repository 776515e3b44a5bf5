"""A process that a test kills: it pushes, works or delivers until then, and says what it has done.

A line is written after a call has returned, so it says what the queue has acknowledged.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

from ourvidz.runtime.queue.sqlite import SqliteQueue
from tests.conformance.jobs import payload, result

#: Short, so that the jobs of a killed worker are soon up again.
LEASE = 0.2


def push(queue: SqliteQueue, numbers: range) -> None:
    for number in numbers:
        queue.push("sdxl_queue", payload(number))
        say("pushed", str(number))


def work(queue: SqliteQueue) -> None:
    while True:
        if not queue.wait(["sdxl_queue"], timeout=LEASE):
            say("idle", "-")
        nonce = f"{os.getpid()}-{os.urandom(4).hex()}"
        found = queue.claim(["sdxl_queue"], worker="victim", lease_seconds=LEASE, nonce=nonce)
        if found is None:
            continue
        queue.complete(found.lease, result(found))
        say("completed", found.lease.job_id)
        for entry in queue.outbox.claim(limit=5, lease_seconds=LEASE):
            say("delivered", f"{entry.job_id}/{entry.id}")
            queue.outbox.delivered(entry)


def say(what: str, which: str) -> None:
    os.write(1, f"{what} {which}\n".encode())


if __name__ == "__main__":
    path, role, *numbers = sys.argv[1:]
    with closing(SqliteQueue(Path(path))) as opened:
        if role == "push":
            push(opened, range(*map(int, numbers)))
        else:
            work(opened)
