"""What looking at a part of a deployment has found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ourvidz.spec.catalog import Catalog
from ourvidz.whole_files import obstacle

#: failed: jobs cannot be made, or are lost; warning: they can, but look at it; skipped: not looked at.
Health = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line: what was looked at, how it is, what was found there, and what to do."""

    check: str
    health: Health
    found: str
    """Never a secret, and never a URL that may hold one."""
    remedy: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where something is wrong and nobody says what to do."""
        if self.health in ("warning", "failed") and not self.remedy:
            raise ValueError(f"{self.check}: what {self.health} needs a remedy")


@runtime_checkable
class Diagnosable(Protocol):
    """What a queue, a storage or a callback may offer beside its own protocol."""

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """Look at the server or the files behind it and leave them as they are.

        It tries nothing twice. What cannot be reached is raised as every other call raises it.
        """
        ...


def of_folder(check: str, folder: Path) -> Diagnosis:
    """Whether files can be written into the folder that ``backends`` names for what is looked at."""
    why = obstacle(folder)
    if why is None:
        return Diagnosis(check=check, health="ok", found=f"{folder} can be written")
    return Diagnosis(
        check=check,
        health="failed",
        found=why,
        remedy="give this user the right to write there, or name another folder in "
        f"OURVIDZ_{check.upper()}_URL or backends.{check}",
    )
