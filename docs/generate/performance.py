"""What ``ourvidz bench --json`` measured, one table for each machine and set of versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ourvidz.runtime.bench.measurements import stages_in, three_digits

from .tables import code, table

#: Reports as the command printed them, under any name.
FOLDER = Path("docs/performance")


def parts() -> dict[str, str]:
    machines: dict[str, list[Mapping[str, Any]]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        for measured in told["measurements"]:
            machines.setdefault(_machine(told, measured), []).append(measured)
    return {
        "performance": "\n".join(_section(*one) for one in machines.items()) or "Nothing was measured yet.\n"
    }


def _machine(told: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """A heading, and what else the numbers below it depend on."""
    known = measured["fingerprint"]
    libraries = ", ".join(f"{name} {version}" for name, version in known["libraries"].items())
    return (
        f"### {known['device']}\n\n"
        f"ourvidz {told['ourvidz']}, {libraries}, Python {told['python']}, {told['cores']} processor cores.\n"
    )


def _section(machine: str, measured: Sequence[Mapping[str, Any]]) -> str:
    stages = stages_in([one["medians"] for one in measured])
    header = ("job type", "made", "weights", *stages, "total", "peak memory", "file")
    return (
        machine
        + "\n"
        + table(header, [list(_row(one, stages)) for one in measured])
        + "\n"
        + _loading(measured)
    )


def _row(measured: Mapping[str, Any], stages: Sequence[str]) -> Iterator[str]:
    medians, peak, runs = measured["medians"], measured["peak_memory"], measured["runs"]
    yield code(measured["job_type"])
    yield _made(measured)
    yield f"{measured['weights']}, {measured['fingerprint']['precision']}"
    yield from (three_digits(medians[stage]) if stage in medians else "" for stage in stages)
    yield f"**{three_digits(medians['total'])}**"
    yield "" if peak is None else f"{peak / 2**30:.1f} GiB"
    yield f"{runs[-1]['stored'] / measured['items'] / 2**20:.1f} MiB"


def _made(measured: Mapping[str, Any]) -> str:
    made, items, runs = measured["parameters"], measured["items"], len(measured["runs"])
    count = f"{items} × " if items > 1 else ""
    frames = f", {made['frames']} frames" if (made.get("frames") or 1) > 1 else ""
    profile = f", profile {measured['profile']}" if measured["profile"] else ""
    return f"{count}{made['resolution']}{frames}, {made['steps']} steps{profile}; {runs} runs"


def _loading(measured: Sequence[Mapping[str, Any]]) -> str:
    """Once for each model of a report, since its job types share it; several reports side by side."""
    took: dict[str, list[float]] = {}
    for one in measured:
        times = took.setdefault(one["model"], [])
        if one["load_seconds"] not in times:
            times.append(one["load_seconds"])
    told = (f"{code(name)} {' and '.join(map(three_digits, times))} s" for name, times in took.items())
    return f"Loading: {', '.join(told)}.\n"
