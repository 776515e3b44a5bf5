"""One connection to a queue file: transactions, durability, the clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.sqlite.file_errors import PATIENCE, PlainErrors
from ourvidz.runtime.queue.sqlite.schema import check_or_create

Synchronous = Literal["full", "normal"]

#: Pages of 4 KiB that the write-ahead log collects before it is written back.
_CHECKPOINT_PAGES = 10_000


class Database:
    """A queue file. Its blocks raise QueueUnavailable and QueueFileInvalid, never sqlite3's errors.

    With ``synchronous="full"`` a durable transaction survives a power cut once it has returned;
    with ``"normal"`` the last few may be undone by one, though never by the end of a process.
    """

    def __init__(
        self, path: Path, *, synchronous: Synchronous = "full", clock: Callable[[], float] = time.time
    ) -> None:
        self.now = clock
        self._path = path
        self._synchronous = synchronous
        self._level = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise QueueUnavailable(f"{path.parent}: cannot be made: {error.strerror}") from None
        with PlainErrors(path):
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            try:
                check_or_create(self._connection, path)
                self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            except BaseException:
                self._connection.close()
                raise
        self._connection.row_factory = sqlite3.Row

    def transaction(self, *, durable: bool = True) -> Transaction:
        """Write, all or nothing.

        ``durable=False`` saves the wait for the disk where a power cut may undo the step: the next
        durable transaction, of whatever process, makes it last as well.
        """
        level: Synchronous = self._synchronous if durable else "normal"
        if level != self._level:
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._level = level
        return Transaction(self._connection, self._path, "BEGIN IMMEDIATE")

    def reading(self) -> Transaction:
        """Read one state of the file, however many queries it takes."""
        return Transaction(self._connection, self._path, "BEGIN")

    def version(self) -> int:
        """A number that changes when another connection has written."""
        with PlainErrors(self._path):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        self._connection.close()


class Transaction:
    """A block of statements: committed at its end, undone if anything is raised in it."""

    __slots__ = ("_begin", "_connection", "_errors")

    def __init__(self, connection: sqlite3.Connection, path: Path, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._errors = PlainErrors(path)

    def __enter__(self) -> sqlite3.Connection:
        with self._errors:
            self._connection.execute(self._begin)
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                with self._errors:
                    self._connection.execute("COMMIT")
            finally:
                self._undo()
        else:
            self._undo()
            self._errors.__exit__(kind, error, trace)

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()
