"""Dead letters: what could not be read, or killed its worker again and again. Nothing is thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ourvidz.errors import NotFound
from ourvidz.jobs.states import Failure


class DeadLetterNotFound(NotFound):
    """There is no dead letter of this id."""

    code = "dead_letter_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One payload that is not going to run unless somebody says so."""

    id: int
    queue: str
    job_id: str | None
    failure: Failure
    attempt: int
    """Starts before it died; 0: it never started."""
    at: float
    """When it died, in seconds since the epoch."""
    payload: bytes


class DeadLetters(Protocol):
    """Newest first."""

    def list(self, *, queue: str | None = None, limit: int = 50) -> list[DeadLetter]: ...

    def get(self, id: int) -> DeadLetter:
        """Raises DeadLetterNotFound."""
        ...

    def retry(self, id: int) -> None:
        """Push the payload again, attempts from 0, and forget the letter.

        Raises DeadLetterNotFound, and JobStateConflict if its job waits, runs or was completed since.
        """
        ...

    def purge(self, *, older_than: float) -> int:
        """Forget letters older than so many seconds; returns how many."""
        ...
