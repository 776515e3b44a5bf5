"""When a waiting worker looks at the queue: when the doorbell rings, the clock matters, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from ourvidz.runtime.queue.redis.connection import Connection
from ourvidz.runtime.queue.redis.doorbell import BLOCK, Doorbell

#: Seconds until the second look where a doorbell rings: it does not for jobs that are put back.
FIRST_LOOK = 1.0

#: An idle worker looks less and less often, until so many seconds lie between two looks.
LONGEST = BLOCK


MONTH = 30 * 24 * 3600.0


class Look(Protocol):
    """Whether a job can be claimed, and in how many seconds the clock next matters."""

    def __call__(
        self, queues: Collection[str], only: Collection[str] | None
    ) -> tuple[bool, float | None]: ...


class Waiting:
    """Waits for jobs with as few commands as it takes, also over many short waits for the same jobs."""

    def __init__(self, connect: Callable[[], Connection], look: Look, can_block: bool) -> None:
        self._look = look
        self._doorbell = Doorbell(connect) if can_block else None
        self._awaited: object = None
        self._interval = FIRST_LOOK
        self._next_look = 0.0

    def wait(
        self, queues: Collection[str], timeout: float, only: Collection[str] | None, polling_interval: float
    ) -> bool:
        """See :meth:`ourvidz.jobs.queue.Queue.wait`. ``polling_interval``: where nothing can block."""
        end = time.monotonic() + timeout
        awaited = (frozenset(queues), None if only is None else frozenset(only))
        if awaited != self._awaited:
            self._awaited, self._next_look = awaited, 0.0
            self._interval = FIRST_LOOK if self._doorbell else polling_interval
        while True:
            now = time.monotonic()
            if now >= self._next_look and self._looks(queues, only):
                self.forget()
                return True
            if now >= end:
                return False
            if self._rests(min(end, self._next_look) - now):
                # A claim looks as well, and has the job then.
                self.forget()
                return True

    def commands_a_month(self, queues: int, polling_interval: float) -> int:
        """See :meth:`ourvidz.jobs.queue.Queue.commands_a_month`: looks at jobs and outbox, and rings."""
        looks = MONTH / max(LONGEST, polling_interval)
        rings = queues * MONTH / BLOCK if self._doorbell else 0.0
        return round(looks + MONTH / LONGEST + rings)

    def forget(self) -> None:
        """Look at once when somebody waits again."""
        self._awaited = None

    def close(self) -> None:
        if self._doorbell:
            self._doorbell.close()

    def _looks(self, queues: Collection[str], only: Collection[str] | None) -> bool:
        if self._doorbell:
            # Armed before the look: what arrives after it rings.
            self._doorbell.arm(queues)
        ready, due = self._look(queues, only)
        rest = self._interval if due is None else max(0.0, min(due, self._interval))
        self._next_look = time.monotonic() + rest
        self._interval = min(self._interval * 2, max(LONGEST, self._interval))
        return ready

    def _rests(self, seconds: float) -> bool:
        """Whether it rang before the time was over."""
        if self._doorbell:
            return self._doorbell.wait(max(0.0, seconds))
        time.sleep(max(0.0, seconds))
        return False
