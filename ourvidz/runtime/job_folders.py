"""A folder for every job. One that a job left empty is the next one's: most jobs put nothing there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class JobFolders:
    """Hands out one folder at a time."""

    def __init__(self) -> None:
        self._spare: tempfile.TemporaryDirectory[str] | None = None

    @contextmanager
    def one(self) -> Iterator[Path]:
        """An empty folder, which nobody finds at its place once something was put into it."""
        folder, self._spare = self._spare or tempfile.TemporaryDirectory(prefix="ourvidz-"), None
        try:
            yield Path(folder.name)
        finally:
            if _is_empty(folder.name):
                self._spare = folder
            else:
                folder.cleanup()

    def close(self) -> None:
        """Remove the spare one."""
        if self._spare is not None:
            self._spare.cleanup()
            self._spare = None


def _is_empty(folder: str) -> bool:
    """False also for one that the job has removed or made unreadable."""
    try:
        return not os.listdir(folder)
    except OSError:
        return False
