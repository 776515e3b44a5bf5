"""Where job types and settings are: as named, of the environment, in the working folder, in the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ourvidz.errors import NotFound

JOB_TYPES_VARIABLE = "OURVIDZ_JOBTYPES"
SETTINGS_VARIABLE = "OURVIDZ_CONFIG"


_LOCAL = Path("jobtypes")


class PlaceMissing(NotFound):
    """A folder or file that was named does not exist."""

    code = "place_missing"


@dataclass(frozen=True, slots=True)
class Found:
    """A path, and what chose it."""

    path: Path
    because: str


def find_job_types(named: Path | None, environ: Mapping[str, str]) -> Found:
    """The folder of the job types: named, of the environment, ``./jobtypes``, or the package's own.

    Raises PlaceMissing if one is named that is no folder.
    """
    return _find_own(named, environ) or Found(_packaged(), "it comes with the package")


def find_place_for_new(named: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder for a new job type: as for reading, but ``./jobtypes`` instead of the package's.

    Raises PlaceMissing if one is named that is no folder.
    """
    found = _find_own(named, environ)
    return found.path if found else _LOCAL


def _find_own(named: Path | None, environ: Mapping[str, str]) -> Found | None:
    said = _said(named, "--jobtypes", environ, JOB_TYPES_VARIABLE)
    if said is None:
        return Found(_LOCAL, "the working folder has it") if _LOCAL.is_dir() else None
    if not os.path.isdir(said.path):
        raise PlaceMissing(f"{said.path}: found no folder, expected one with job types, since {said.because}")
    return said


def find_settings(named: Path | None, environ: Mapping[str, str]) -> Found | None:
    """``ourvidz.yaml``: named, of the environment, in the working folder, or None where there is none.

    Raises PlaceMissing if one is named that does not exist.
    """
    said = _said(named, "--config", environ, SETTINGS_VARIABLE)
    if said:
        if not os.path.exists(said.path):
            raise PlaceMissing(f"{said.path}: found no file, expected the settings, since {said.because}")
        return said
    local = Path("ourvidz.yaml")
    return Found(local, "the working folder has it") if local.exists() else None


def _said(named: Path | None, option: str, environ: Mapping[str, str], variable: str) -> Found | None:
    if named is not None:
        return Found(named, f"{option} names it")
    value = environ.get(variable)
    return Found(Path(value), f"{variable} names it") if value else None


def _packaged() -> Path:
    path = Path(str(files("ourvidz") / "jobtypes"))
    if not path.is_dir():
        raise PlaceMissing(f"{path}: found no folder, expected the job types that come with the package")
    return path
