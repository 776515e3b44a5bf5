"""Workers on a terminal: a table, and one that is drawn over and over."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import click

from ourvidz.cli.output import one_line, table_lines

#: Seconds between two drawings.
_INTERVAL = 0.5

_WIDTH = 12

_HEADER = ("worker", "state", "pid", "up", "restarts", "completed", "job", "step")


def workers_table(workers: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of a table of what `ourvidz ps --json` says of each worker."""
    rows = [
        (
            one["worker"],
            one["state"],
            one["pid"],
            None if one["seconds"] is None else f"{one['seconds']:.0f} s",
            one["restarts"],
            one["completed"],
            one["job"] and f"{one['job']['id'][:8]} {one['job']['type']}",
            _step(one["job"]),
        )
        for one in workers
    ]
    return table_lines(_HEADER, rows)


class WorkersView:
    """Below the lines of a log, what all workers do now. Silent unless standard output is a terminal."""

    def __init__(self, status: Callable[[], dict[str, Any]], queues: Callable[[], str]) -> None:
        """``status``: what `ourvidz ps --json` prints; ``queues``: a line about them; from another thread."""
        self._status, self._queues = status, queues
        self._lock = threading.Lock()
        self._drawn = 0
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True, name="workers view")

    @staticmethod
    def is_possible() -> bool:
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def start(self) -> None:
        self._ticker.start()

    def close(self) -> None:
        """Leave what was drawn last."""
        self._ended.set()
        if self._ticker.is_alive():
            self._ticker.join()

    def write_above(self, write: Callable[[], None]) -> None:
        """Let something lasting be written; from any thread."""
        with self._lock:
            self._erase()
            write()

    def _tick(self) -> None:
        while True:
            has_ended = self._ended.wait(_INTERVAL)
            lines = self._lines()
            try:
                with self._lock:
                    self._erase()
                    click.echo("\n".join(lines))
                    self._drawn = len(lines)
            except OSError:
                # Nobody looks any more; the log's next line finds out, and stops everything.
                return
            if has_ended:
                return

    def _lines(self) -> list[str]:
        status = self._status()
        workers = status["workers"]
        completed, hours = sum(one["completed"] for one in workers), max(status["seconds"], 1.0) / 3600
        lines = ["", *workers_table(workers)]
        lines += [
            f"{one['worker']} said: {one_line(one['last'])}"
            for one in workers
            if one["last"] and one["state"] in ("hung", "waiting", "broken")
        ]
        made = f"{completed} completed, {completed / hours:.0f} an hour"
        lines.append(f"up {status['seconds']:.0f} s, {made}; {self._queues()}")
        # A line that wraps, or leaves the screen, could not be drawn over. A terminal may not know its size.
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return [line[: columns - 1] if columns else line for line in lines][: rows - 1 if rows else None]

    def _erase(self) -> None:
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\r\x1b[J", nl=False)
        self._drawn = 0


def _step(job: dict[str, Any] | None) -> str | None:
    if not job or not job["stage"]:
        return None
    filled = _WIDTH * job["step"] // max(1, job["steps"])
    return f"{job['stage']} {'█' * filled}{'░' * (_WIDTH - filled)} {job['step']}/{job['steps']}"
