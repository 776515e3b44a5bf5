"""CPU time of validating a folder of job types, positions and all checks included.

``python benchmarks/specs.py [--json]``. Aims: 1,000 job types in 0.6 s, in proportion at 10,000.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.spec.checks import build_catalog
from ourvidz.spec.families import FamilyRules
from ourvidz.spec.loading import read_sources

JOB_TYPES = Path(__file__).parent.parent / "jobtypes"
FAMILIES: Mapping[str, FamilyRules] = {"sdxl": SdxlFamily(), "wan": WanFamily()}
RUNS = {1_000: 5, 10_000: 2}
AIM = {1_000: 0.6, 10_000: 6.0}


def write_job_types(folder: Path, count: int) -> None:
    """Fill a folder with the repository's job types under new names, one file each."""
    paths = sorted(JOB_TYPES.glob("*.yaml"))
    texts = [path.read_text() for path in paths]
    for path in paths:
        (folder / path.name).write_text(path.read_text())
    for number in range(len(paths), count):
        (folder / f"copy_{number}.yaml").write_text(texts[number % len(texts)])


def cpu_seconds(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def measure(count: int) -> dict[str, float]:
    """CPU time of reading, checking, and reading again what has not changed; the quickest run counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_job_types(folder, count)
        sources = read_sources(folder, None)
        actions: dict[str, Callable[[], object]] = {
            "read": lambda: read_sources(folder, None),
            "check": lambda: build_catalog(sources, FAMILIES),
            "read again": lambda: read_sources(folder, None, sources),
        }
        return {
            name: min(cpu_seconds(action) for _ in range(RUNS[count])) for name, action in actions.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {count: measure(count) for count in RUNS}
    for count, figure in figures.items():
        figure |= {"validate": figure["read"] + figure["check"], "aim": AIM[count]}
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{'job types':>9}{'read, CPU s':>13}{'check':>8}{'validate':>10}{'aim':>6}{'read again':>12}")
    for count, one in figures.items():
        print(
            f"{count:>9,}{one['read']:>13.3f}{one['check']:>8.3f}{one['validate']:>10.3f}"
            f"{one['aim']:>6.1f}{one['read again']:>12.3f}"
        )


if __name__ == "__main__":
    main()
