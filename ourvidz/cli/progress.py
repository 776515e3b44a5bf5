"""A line on the terminal that says how far something is. Nothing in a pipe."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from ourvidz.cli.output import about

_WIDTH = 24

#: Goes back to the line's beginning and clears what stands there.
_ERASE = "\r\x1b[2K"


class ProgressLine:
    """One line on standard error that is drawn over and over; silent unless that is a terminal.

    Its seconds go on counting by themselves, so that nobody takes a long step for the end.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._cleared = threading.Event()
        self._stage = ""
        self._since = 0.0
        self._first = 0
        self._step = 0
        self._steps = 0

    def show(self, stage: str, step: int = 0, steps: int = 0) -> None:
        """Draw how far a stage is; without ``steps``, only that it is being done."""
        if not self._terminal:
            return
        with self._lock:
            if stage != self._stage:
                self._stage, self._since, self._first = stage, time.monotonic(), step
            self._step, self._steps = step, steps
            self._draw()
            if self._ticker is None:
                self._cleared = threading.Event()
                self._ticker = threading.Thread(
                    target=self._tick, args=[self._cleared], daemon=True, name="progress"
                )
                self._ticker.start()

    def clear(self) -> None:
        """Remove the line, so that something lasting can be printed; from any thread."""
        with self._lock:
            ticker, self._ticker, self._stage = self._ticker, None, ""
            self._cleared.set()
        if ticker is None:
            return
        ticker.join()
        click.echo(_ERASE, err=True, nl=False)

    def _tick(self, cleared: threading.Event) -> None:
        while not cleared.wait(1):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        text, seconds = self._stage, time.monotonic() - self._since
        if self._steps:
            filled = _WIDTH * self._step // self._steps
            text += f"  {'█' * filled}{'░' * (_WIDTH - filled)}  {self._step}/{self._steps}"
        if seconds >= 1:
            text += f"  {seconds:.0f} s"
        if seconds >= 1 and self._first < self._step < self._steps:
            each = seconds / (self._step - self._first)
            text += f", {about(each * (self._steps - self._step))} left"
        # A line that wraps could not be drawn over. A terminal that does not know its size says 0.
        room = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        click.echo(_ERASE + (text[:room] if room > 0 else text), err=True, nl=False)


@contextmanager
def megabytes(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows a stage of ``what`` with its bytes, done and altogether."""
    line = ProgressLine()

    def show(stage: str, done: int, total: int) -> None:
        line.show(f"{what}: {stage}, MB", done // 10**6, max(1, total // 10**6))

    line.show(what)
    try:
        yield show
    finally:
        line.clear()


class LogAbove(logging.StreamHandler[TextIO]):
    """Writes the log to standard error without running into a progress line."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.clear()
        super().emit(record)
