"""One connection to a queue file: transactions, durability, the clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.sqlite.file_errors import PATIENCE, in_plain_words
from ourvidz.runtime.queue.sqlite.schema import check_or_create

Synchronous = Literal["full", "normal"]

#: Pages of 4 KiB that the write-ahead log collects before it is written back. Writing back waits for
#: the disk, so it should be rare; but where every transaction waits anyway, a short log is quicker:
#: after the first round it is written over, and a file that does not grow is synced in half the time.
_CHECKPOINT_PAGES: Final[Mapping[Synchronous, int]] = {"full": 1_000, "normal": 10_000}

#: Memory for pages that were read, in KiB. The ids of some ten thousand jobs fit in, so that a new one
#: finds its place among them without a look at the file.
_CACHE = 16_384


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
        try:
            self._connection = _connect(path, _CHECKPOINT_PAGES[synchronous])
        except sqlite3.Error as error:
            raise in_plain_words(path, error) from error

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
        try:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise in_plain_words(self._path, error) from error

    def persistence(self) -> Diagnosis:
        """Say what survives a power cut."""
        kept = (
            "the last jobs may be undone by one" if self._synchronous == "normal" else "survives a power cut"
        )
        return Diagnosis(
            check="queue persistence",
            health="ok",
            found=f"SQLite {sqlite3.sqlite_version}, synchronous={self._synchronous}: {kept}",
        )

    def close(self) -> None:
        self._connection.close()


def _connect(path: Path, checkpoint_pages: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        check_or_create(connection, path)
        connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


class Transaction:
    """A block of statements: committed at its end, undone if anything is raised in it."""

    __slots__ = ("_begin", "_connection", "_path")

    def __init__(self, connection: sqlite3.Connection, path: Path, begin: str) -> None:
        self._connection = connection
        self._path = path
        self._begin = begin

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute(self._begin)
        except sqlite3.Error as error:
            raise in_plain_words(self._path, error) from error
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        except sqlite3.Error as failed:
            error = failed
            raise in_plain_words(self._path, failed) from failed
        finally:
            if error is not None and self._connection.in_transaction:
                self._connection.rollback()
        if isinstance(error, sqlite3.Error):
            raise in_plain_words(self._path, error) from error
