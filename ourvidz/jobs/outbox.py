"""The outbox: events of ended jobs, kept until their receiver has accepted them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """An event that waits for its delivery."""

    id: int
    job_id: str
    body: bytes
    """A :class:`ourvidz.jobs.events.JobEvent` as JSON: the same bytes at every try."""
    tries: int
    """Deliveries that have failed so far."""


class Outbox(Protocol):
    """Events are handed out in order within a job; one that is being tried is not handed out twice."""

    def claim(self, *, limit: int, lease_seconds: float) -> list[OutboxEntry]:
        """Take events that are due; what is not settled within the lease is handed out again."""
        ...

    def delivered(self, *entries: OutboxEntry) -> None:
        """Forget events that were accepted. Repeating it does nothing."""
        ...

    def failed(self, entry: OutboxEntry, *, delay: float, reason: str) -> None:
        """Try an event again after ``delay`` seconds."""
        ...

    def waiting(self) -> int:
        """Events not yet accepted."""
        ...
