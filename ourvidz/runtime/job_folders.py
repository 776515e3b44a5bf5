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
            if os.listdir(folder.name):
                folder.cleanup()
            else:
                self._spare = folder

    def close(self) -> None:
        """Remove the spare one."""
        if self._spare is not None:
            self._spare.cleanup()
            self._spare = None
