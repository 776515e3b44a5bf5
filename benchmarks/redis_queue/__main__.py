"""Measure the queue on Redis: ``python -m benchmarks.redis_queue [--json]``, which starts a server.

The peers have a virtual environment and a folder of npm packages of their own; ``make bench-redis`` sets
both up.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from importlib.metadata import version
from typing import Any

import click

from benchmarks.redis_queue import flatness, hand_over, memory, rates, site

PARTS = ("hand-over", "rates", "flatness", "memory")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this; may be repeated.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of all queues, one after another.")
@click.option("--python", default=".venv-peers/bin/python", show_default=True, help="The peers' interpreter.")
def main(as_json: bool, parts: tuple[str, ...], rounds: int, python: str) -> None:
    """Measure hand-over, jobs a second, flatness and memory of the queue on a Redis server of its own."""
    chosen = parts or PARTS
    told: dict[str, Any] = {}
    with site.opened() as place:
        if "memory" in chosen:
            told["memory"] = memory.proportional_set_size(place)
        if "hand-over" in chosen:
            told["hand_over"] = {
                "ourvidz": _quantiles(hand_over.hand_overs(place, 300)),
                "polling": _quantiles(hand_over.polled(place, 20)),
            }
        if "rates" in chosen:
            told["rates"] = rates.rates(place, os.path.abspath(python), rounds)
        if "flatness" in chosen:
            told["flatness"] = flatness.medians(place, flatness.WAITING, 500)
        told["versions"] = {
            "ourvidz": version("ourvidz"),
            "Redis": site.redis_version(place.server),
            "Python": platform.python_version(),
            **({} if "rates" not in chosen else _peers(python)),
        }
        told["cores"] = os.cpu_count()
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for name, part in told.items():
        click.echo(f"{name}: {json.dumps(part)}")


def _quantiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1000, 3), "p99": round(cuts[98] * 1000, 3), "count": len(seconds)}


def _peers(python: str) -> dict[str, str]:
    """Versions of the other queues, and of what they run on."""
    names = ("dramatiq", "streaq", "arq", "redis")
    asked = f"from importlib.metadata import version; print(*[version(one) for one in {names!r}])"
    found = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    package = json.loads((rates.PEERS / "node_modules/bullmq/package.json").read_text(encoding="utf-8"))
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "BullMQ": package["version"],
        "Node": node.strip().removeprefix("v"),
        **dict(zip(("Dramatiq", "streaQ", "arq", "redis-py of the peers"), found, strict=True)),
    }


if __name__ == "__main__":
    main()
