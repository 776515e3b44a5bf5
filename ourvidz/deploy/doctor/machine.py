"""Python, torch and the disks of this machine. Nothing heavy is imported to look at them."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.plugins.installed_torch import Torch

#: Bytes that a disk should have free: some videos and their drafts; and those below which jobs fail soon.
_ROOM = 10 * 10**9
_TOO_LITTLE = 10**9


def look_at_python() -> Iterator[Diagnosis]:
    """The interpreter that runs this, and so the workers that it starts."""
    version, needed = platform.python_version(), metadata("ourvidz")["Requires-Python"]
    if SpecifierSet(needed or "").contains(version, prereleases=True):
        yield Diagnosis(check="python", health="ok", found=f"{version} ({sys.executable})")
        return
    yield Diagnosis(
        check="python",
        health="failed",
        found=f"{version}, expected {needed}",
        remedy="make the virtual environment anew with a newer Python",
    )


def look_at_torch(torch: Torch | None) -> Iterator[Diagnosis]:
    """Which torch there is. Whether a family can do with it, its requirements say."""
    if torch is None:
        yield Diagnosis(check="torch", health="skipped", found="not installed")
    else:
        built = f"built for CUDA {torch.cuda}" if torch.cuda else "built without CUDA"
        yield Diagnosis(check="torch", health="ok", found=f"{torch.version}, {built}")


def look_at_disks(folders: dict[str, Path]) -> Iterator[Diagnosis]:
    """Free space where these folders lie, a line for each disk. The keys say what they are for."""
    disks: dict[int, tuple[Path, list[str]]] = {}
    for purpose, folder in folders.items():
        there = next(one for one in (folder, *folder.parents) if one.exists())
        disks.setdefault(there.stat().st_dev, (there, []))[1].append(purpose)
    for place, purposes in disks.values():
        free = shutil.disk_usage(place).free
        found = f"{free / 10**9:.1f} GB free in {place} ({', '.join(purposes)})"
        if free >= _ROOM:
            yield Diagnosis(check="disk", health="ok", found=found)
        else:
            yield Diagnosis(
                check="disk",
                health="failed" if free < _TOO_LITTLE else "warning",
                found=f"{found}, expected {_ROOM / 10**9:.0f} GB",
                remedy="make room; `ourvidz storage sweep` lists what no job needs in the embedded storage",
            )


def folders_of(root: Path) -> dict[str, Path]:
    """Where jobs write on this machine."""
    return {"project": root, "job folders": Path(tempfile.gettempdir())}
