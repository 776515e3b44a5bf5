"""Standard output of a command that runs for long, and may lose whoever reads it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

import click

log = logging.getLogger(__name__)


class StandardOutput:
    """When it cannot be written any more, who writes stops as on SIGTERM; no job fails for it."""

    def __init__(self, who: str) -> None:
        """``who`` writes: the subject of a sentence for people."""
        self.when_lost: Callable[[], None] = lambda: None
        self._who = who
        self._is_lost = False

    def write(self, text: str) -> None:
        if self._is_lost:
            return
        try:
            click.echo(text)
        except OSError as error:
            self._is_lost = True
            log.warning("standard output: %s; %s stops after the running job", error.strerror, self._who)
            # What is still in the buffer has to go somewhere when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.when_lost()
