"""Logs errors of code that is not ours: their texts may quote a prompt, and prompts stay out of logs."""

from __future__ import annotations

import logging
import traceback


def log_foreign(log: logging.Logger, error: Exception, what: str, *arguments: object) -> None:
    """Log the error's type and where it was raised; its text only where DEBUG is on.

    ``what`` names who raised it, with ``%s`` for ``arguments``.
    """
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    log.error(f"{what} raised %s\n%s", *arguments, type(error).__name__, frames)
    log.debug("in full", exc_info=error)
