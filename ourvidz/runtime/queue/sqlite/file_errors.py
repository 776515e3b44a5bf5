"""What SQLite's errors mean for a queue file, in plain words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from ourvidz.errors import NotReady
from ourvidz.jobs.queue import QueueUnavailable

#: Seconds to wait for another process that writes.
PATIENCE: Final = 10.0

_LOCKED = f"is locked by another process for more than {PATIENCE:g} s; try again"
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: "cannot grow: make room on its disk",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check its disk",
    sqlite3.SQLITE_READONLY: "cannot be written by this user: check its permissions",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder can be written by this user",
    sqlite3.SQLITE_PERM: "cannot be opened by this user: check its permissions",
    sqlite3.SQLITE_NOMEM: "needs more memory than there is",
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class QueueFileInvalid(NotReady):
    """The queue's file is damaged, belongs to another program or to another version of ourvidz."""

    code = "queue_file_invalid"


def in_plain_words(path: Path, error: sqlite3.Error) -> Exception:
    """What to raise instead: QueueUnavailable, QueueFileInvalid, or the error if it is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _UNAVAILABLE:
        return QueueUnavailable(f"{path}: the queue {_UNAVAILABLE[code]} ({error})")
    if code in _DAMAGED:
        return QueueFileInvalid(
            f"{path}: found a damaged file, expected a queue ({error}); "
            "restore a backup, or move it away to start with a new one"
        )
    return error
