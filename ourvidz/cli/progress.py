"""A line on the terminal that says how far something is. Nothing in a pipe."""

from __future__ import annotations

import sys
import time

import click

_WIDTH = 24


class ProgressLine:
    """One line on standard error that is drawn over and over; silent unless that is a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._drawn = False
        self._stage = ""
        self._since = 0.0

    def show(self, stage: str, step: int = 0, steps: int = 0) -> None:
        """Draw how far a stage is; without ``steps``, only that it is being done."""
        if not self._terminal:
            return
        if stage != self._stage:
            self._stage, self._since = stage, time.monotonic()
        text = f"{stage} …"
        if steps:
            filled = _WIDTH * step // steps
            bar = "█" * filled + "░" * (_WIDTH - filled)
            text = f"{stage}  {bar}  {step}/{steps}  {time.monotonic() - self._since:.0f} s"
        click.echo(f"\r\x1b[2K{text}", err=True, nl=False)
        self._drawn = True

    def clear(self) -> None:
        """Remove the line, so that something lasting can be printed."""
        if self._drawn:
            click.echo("\r\x1b[2K", err=True, nl=False)
        self._drawn, self._stage = False, ""
