"""What ``make faults-long`` has shown, one table for each run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .tables import table

#: Reports as the harness wrote them, under any name.
FOLDER = Path("docs/faults")

HEADER = (
    "what was done",
    "queue",
    "faults",
    "acknowledged",
    "told as failed",
    "lost",
    "applied twice",
    "extra starts",
    "recovery, median",
    "longest",
)


def parts() -> dict[str, str]:
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    return {"faults": "\n".join(map(_section, reports)) or "Nothing was broken yet.\n"}


def _section(told: Mapping[str, Any]) -> str:
    versions = f"ourvidz {told['ourvidz']}, Python {told['python']}, SQLite {told['sqlite']}"
    on = f"{versions}, Redis {told['redis']}, {told['cores']} processor cores.\n"
    rows = [list(_cells(row)) for row in (*told["rows"], *_sums(told["rows"]))]
    return f"{on}\n{table(HEADER, rows)}"


def _sums(rows: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What all rows of a queue come to, those of other workers than ours left out."""
    for queue in sorted({row["queue"] for row in rows}):
        mine = [row for row in rows if row["queue"] == queue and row["ours"]]
        counts = ("faults", "acknowledged", "failed", "lost", "twice", "extra_starts")
        longest = [row["recovery_longest"] for row in mine if row["recovery_longest"] is not None]
        yield {
            "row": "**altogether**",
            "queue": queue,
            **{name: sum(row[name] for row in mine) for name in counts},
            "recovery_median": None,
            "recovery_longest": max(longest, default=None),
        }


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["row"]
    yield row["queue"]
    yield from (f"{row[name]:,}" for name in ("faults", "acknowledged", "failed"))
    yield f"**{row['lost']:,}**"
    yield f"**{row['twice']:,}**"
    yield f"{row['extra_starts']:,}"
    for name in ("recovery_median", "recovery_longest"):
        yield "never" if row["lost"] else _seconds(row[name])


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"
