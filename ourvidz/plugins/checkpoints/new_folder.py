"""Folders that appear when they are complete, over nothing else, on a disk that has room for them."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ourvidz.errors import NotReady
from ourvidz.plugins.checkpoints.layout import CheckpointExists


class DiskFull(NotReady):
    """There is less room on the disk than a checkpoint needs."""

    code = "disk_full"


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden draft that becomes ``folder`` when the block has ended; nothing is left if it fails.

    Raises CheckpointExists if ``folder`` is a link or there is anything in it, DiskFull, OSError.
    """
    # A folder cannot be renamed over a link, not even over one to an empty folder.
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise CheckpointExists(
            f"{folder} is there already; nothing is overwritten, so name another folder or remove it first"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield draft
        draft.chmod(0o755)
        draft.rename(folder)
    except BaseException as error:
        shutil.rmtree(draft)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"{folder.parent}: {error.strerror}; make room there") from error
        raise


def check_room(folder: Path, size: int) -> None:
    """Raises DiskFull if the disk of ``folder``, which is there, has no ``size`` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DiskFull(
            f"{folder.parent}: {size / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; make room "
            "there, or name a folder on another disk"
        )
