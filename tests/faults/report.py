"""What a run has shown, for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ourvidz import __version__
from tests.faults.judge import Verdict
from tests.faults.row import Row


def as_json(row: Row, verdict: Verdict, seconds: float) -> dict[str, Any]:
    """One row; times in seconds."""
    recoveries = verdict.recoveries
    return {
        "row": row.name,
        "queue": row.kind,
        "ours": not row.loses,
        "faults": verdict.faults,
        "acknowledged": verdict.acknowledged,
        "completed": verdict.completed,
        "failed": verdict.failed,
        "lost": len(verdict.lost),
        "twice": len(verdict.twice),
        "extra_starts": verdict.extra_starts,
        "recovery_median": round(statistics.median(recoveries), 3) if recoveries else None,
        "recovery_longest": round(max(recoveries), 3) if recoveries else None,
        "seconds": round(seconds, 1),
    }


def report(form: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All rows, with what they depend on."""
    told = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout
    return {
        "ourvidz": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "redis": told.partition("v=")[2].split()[0],
        "cores": os.cpu_count(),
        "form": form,
        "rows": list(rows),
    }


def write(
    file: Path, form: str, rows: Sequence[Mapping[str, Any]], *, into: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write rows as JSON; those of ``into`` keep their places, unless a new one has the same name."""
    found = {(row["row"], row["queue"]): row for row in (*into, *rows)}
    file.write_text(json.dumps(report(form, [*found.values()]), indent=2) + "\n")
