"""What ``ourvidz up`` costs while it works: ``python benchmarks/supervisor.py [--json]``.

A worker of the placeholder family makes ten jobs a second. Measured is the CPU time of the process that
watches it and writes the log, not the worker's own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from ourvidz.project import Project
from ourvidz.runtime.client import Client

PLUGINS = Path(__file__).parents[1] / "plugins"

#: Percent of a core that it may take.
TARGET = 1.0

JOBS_A_SECOND = 10


def measure(folder: Path, seconds: float) -> float:
    """Percent of one core that the supervisor takes during so many seconds, logging to a file."""
    (folder / "jobtypes").mkdir()
    shutil.copy(PLUGINS / "placeholder" / "placeholder_fast.yaml", folder / "jobtypes")
    settings = folder / "ourvidz.yaml"
    settings.write_text(f"plugins: [{json.dumps(str(PLUGINS))}]\nworkers: {{placeholder: {{}}}}\n")
    command = [sys.executable, "-P", "-m", "ourvidz", "up", "--json"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log) as up,
        Client.open(Project.open(jobtypes=folder / "jobtypes", config=settings)) as client,
    ):
        try:
            while '"event": "idle"' not in (folder / "log").read_text():
                time.sleep(0.1)
            start, before = time.monotonic(), _cpu_seconds(up.pid)
            for number in range(1, round(seconds * JOBS_A_SECOND) + 1):
                client.submit("placeholder_fast", prompt="a barn")
                time.sleep(max(0.0, start + number / JOBS_A_SECOND - time.monotonic()))
            return 100 * (_cpu_seconds(up.pid) - before) / (time.monotonic() - start)
        finally:
            up.send_signal(signal.SIGTERM)


def _cpu_seconds(pid: int) -> float:
    # proc(5): after the name in brackets, utime is the twelfth field and stime the one behind it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--seconds", default=20.0, show_default=True, help="How long to measure.")
def main(as_json: bool, seconds: float) -> None:
    """Measure what the supervisor costs."""
    with tempfile.TemporaryDirectory() as folder:
        percent = measure(Path(folder), seconds)
    if as_json:
        click.echo(json.dumps({"percentOfACore": round(percent, 2), "target": TARGET}))
    else:
        click.echo(f"{percent:.2f} % of a core at {JOBS_A_SECOND} jobs a second, target {TARGET:g} %")


if __name__ == "__main__":
    main()
