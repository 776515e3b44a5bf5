"""The callback protocol: how the platform is told what became of a job. Version 1."""

from __future__ import annotations

from typing import Protocol

from ourvidz.errors import OurvidzError
from ourvidz.jobs.outbox import OutboxEntry

CALLBACK_PROTOCOL_VERSION = 1

#: Over HTTP: seconds since the epoch, and by commas ``id=hex`` of each key: HMAC-SHA256 of ``time.body``.
TIMESTAMP_HEADER = "X-Ourvidz-Timestamp"
SIGNATURE_HEADER = "X-Ourvidz-Signature"

#: Seconds by which a receiver's clock may differ from the timestamp.
SIGNATURE_AGE = 300


class CallbackFailed(OurvidzError):
    """The receiver did not accept an event; it stays in the outbox and is tried again."""

    code = "callback_failed"
    retryable = True


class Callback(Protocol):
    """A receiver of events. An event may come more than once; a repeated one changes nothing."""

    def deliver(self, entry: OutboxEntry) -> None:
        """Hand an event over. Returning means that it was accepted. Raises CallbackFailed."""
        ...

    def locate(self, job_id: str) -> str | None:
        """Where a person finds what was told about a job, or None if nowhere to look."""
        ...

    def close(self) -> None: ...
