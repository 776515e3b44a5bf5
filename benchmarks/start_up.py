"""CPU time of whole commands, imports included. Aims: --help 0.25 s, jobtypes list 0.4 s.

Bytecode is there, as it is after an installation or the first command.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

COMMANDS = (("--help",), ("jobtypes", "list"), ("validate",), ("plugins",), ("export-routing", "--check"))
RUNS = 9


def cpu_seconds(command: tuple[str, ...], bytecode: str) -> float:
    """User and system time of one run, children included."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", "from ourvidz.cli.main import main; main()", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""},
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as bytecode:
        for command in COMMANDS:
            cpu_seconds(command, bytecode)
            runs = [cpu_seconds(command, bytecode) for _ in range(RUNS)]
            figures[" ".join(command)] = {"min": min(runs), "median": statistics.median(runs)}
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{'ourvidz …':<26}{'min, CPU s':>12}{'median':>10}")
    for name, figure in figures.items():
        print(f"{name:<26}{figure['min']:>12.3f}{figure['median']:>10.3f}")


if __name__ == "__main__":
    main()
