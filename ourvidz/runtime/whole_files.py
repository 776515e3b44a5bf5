"""Files that appear whole or not at all, and survive a power cut once the call has returned."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError, even where two write at once; OSError."""
    with _written(path.parent, data) as written:
        os.link(written, path)
    _sync_folder(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write a file in the place of whatever is there. Raises OSError."""
    with _written(path.parent, data) as written:
        written.rename(path)
    _sync_folder(path.parent)


@contextmanager
def _written(folder: Path, data: bytes) -> Iterator[Path]:
    """A finished file under a hidden name, which is gone afterwards, whatever happens."""
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as hidden:
        path = Path(hidden) / "file"
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
