"""A queue file with a clock that tests move."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ourvidz.jobs.queue import Queue
from ourvidz.runtime.queue.sqlite import SqliteQueue


class SqliteSite:
    """See :class:`tests.conformance.site.QueueSite`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0.0

    @property
    def opener(self) -> Callable[[], Queue]:
        return partial(SqliteQueue, self.path, synchronous="normal")

    def open(self) -> SqliteQueue:
        return SqliteQueue(self.path, synchronous="normal", clock=lambda: time.time() + self.offset)

    def pass_time(self, seconds: float) -> None:
        """Move the clock; a negative number sets it back."""
        self.offset += seconds


def connection_of(queue: SqliteQueue) -> sqlite3.Connection:
    """The connection behind a queue, to make it fail or to watch it."""
    return queue._database._connection
