"""Files that appear whole or not at all, and survive a power cut once the call has returned.

A file is written under a hidden name and then given its own. Whoever is killed in between leaves the
hidden one behind; where many files are written these go into a folder of drafts that is swept.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

#: Seconds after which nobody is still writing a draft.
_ABANDONED = 3600.0


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def obstacle(folder: Path) -> str | None:
    """What keeps files from being written into a folder, which may still have to be made, or None."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{there} is no folder"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written by this user"


def write_new(path: Path, data: bytes, *, drafts: Path) -> None:
    """Write a file that is not there yet. Raises FileExistsError, even where two write at once; OSError.

    ``drafts``, made if need be, is a folder on the same disk.
    """
    make_folder(drafts)
    with _draft(drafts / secrets.token_hex(8), data) as draft:
        os.link(draft, path)
    _sync_folder(path.parent)


def replace(path: Path, data: bytes, *, drafts: Path | None = None) -> None:
    """Write a file in the place of whatever is there. Raises OSError. Drafts lie beside it by default."""
    if drafts is not None:
        make_folder(drafts)
    hidden = (drafts or path.parent) / f".{path.name}.{secrets.token_hex(8)}"
    with _draft(hidden, data) as draft:
        draft.rename(path)
    _sync_folder(path.parent)


def sweep(drafts: Path) -> None:
    """Remove what writers that were killed have left behind."""
    # Whoever may not remove them, or comes second, leaves them to somebody else.
    with contextlib.suppress(OSError):
        for draft in drafts.iterdir():
            if draft.lstat().st_mtime < time.time() - _ABANDONED:
                draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """A finished file under a hidden name, which is gone afterwards, whatever happens."""
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
