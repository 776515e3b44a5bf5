"""The root of every error that ourvidz raises on purpose.

Each class has a ``code``, which is stable and meant for machines, says whether trying again can
help (``retryable``), and which exit status the command line gives it. The message is for people:
where, what was found, what was expected, what to do.
"""

from __future__ import annotations

from typing import ClassVar


class OurvidzError(Exception):
    """Something went wrong that ourvidz knows about."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    exit_status: ClassVar[int] = 1


class NotReady(OurvidzError):
    """This machine cannot do what was asked until somebody changes something on it."""

    code = "not_ready"
    exit_status = 3


class NotFound(OurvidzError):
    """The named thing does not exist."""

    code = "not_found"
    exit_status = 4


class RequestInvalid(OurvidzError):
    """A request that this job type cannot serve, however often it is tried."""

    code = "request_invalid"
