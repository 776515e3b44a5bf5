"""What ``python -m benchmarks.redis_queue --json`` measured."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ourvidz.runtime.bench.measurements import three_digits

from .tables import table

#: The report of one run, as the command printed it.
REPORT = Path("docs/performance/queue/redis.json")

MEBIBYTE = 2**20


def parts() -> dict[str, str]:
    if not REPORT.exists():
        return {"queue performance": "Nothing was measured yet.\n"}
    told = json.loads(REPORT.read_text(encoding="utf-8"))
    return {"queue performance": "\n".join(_parts(told))}


def _parts(told: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    yield f"{versions}; {told['cores']} processor cores, shared with other programs.\n"
    yield table(
        ("from push to start, idle worker", "p50, ms", "p99, ms"),
        [
            _hand_over("ourvidz", told["hand_over"]["ourvidz"]),
            _hand_over("a look every 2 s", told["hand_over"]["polling"]),
        ],
    )
    yield table(
        ("queue", "settings", "jobs a second, median", "best round", "ourvidz is faster by"),
        [_rate(one) for one in told["rates"]],
    )
    yield table(
        ("jobs that wait", "a claim, µs", "a position, µs"),
        [_level(one) for one in told["flatness"]],
    )
    sizes = {name: size / MEBIBYTE for name, size in told["memory"].items()}
    yield (
        f"Memory without a model (PSS): worker {sizes['worker']:.0f} MiB, heartbeat "
        f"{sizes['heartbeat']:.0f} MiB, together {sum(sizes.values()):.0f} MiB.\n"
    )


def _hand_over(name: str, measured: Mapping[str, float]) -> Sequence[str]:
    return name, three_digits(measured["p50"]), three_digits(measured["p99"])


def _rate(one: Mapping[str, Any]) -> Sequence[str]:
    median = three_digits(statistics.median(one["rates"]))
    return one["name"], one["settings"], median, three_digits(max(one["rates"])), f"× {one['ratio']:.2f}"


def _level(one: Mapping[str, float]) -> Sequence[str]:
    return f"{one['waiting']:,.0f}", three_digits(one["claim"]), three_digits(one["position"])
