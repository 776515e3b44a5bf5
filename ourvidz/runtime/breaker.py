"""Stops a job type whose model fails again and again, tries it again with one job, and lets it go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ourvidz.jobs.states import Reason
from ourvidz.spec.settings import BreakerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEvent:
    """What became of a job type: stopped, for the first time or anew; tried with one job; going on."""

    kind: Literal["stopped", "probed", "resumed"]
    job_type: str
    failures: int
    """Jobs that failed in a row before."""
    reason: Reason
    """Why the last of them did."""
    seconds: float
    """How long it takes no jobs, where it was stopped."""


@dataclass(slots=True)
class _Row:
    """The failures of one job type since one of its jobs was made. Times are of the breaker's clock."""

    reason: Reason
    failures: dict[str, float] = field(default_factory=dict)
    """When each job failed last, by its id: one that is tried again and again is one failure."""
    until: float | None = None
    """When the type may be tried again; None: it was not stopped."""
    waits: bool = False
    """Whether its jobs wait even where they could go to a fallback."""


class Breaker:
    """What one worker remembers of its job types; each worker has seen its own machine only.

    A type is stopped when ``failures`` different jobs failed in a row within the ``window``. After the
    cool-down its next job is a probe: made, it ends the row; failed, it stops the type anew.
    """

    def __init__(
        self,
        entry: BreakerEntry,
        *,
        tell: Callable[[BreakerEvent], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entry = entry
        self._tell = tell
        self._clock = clock
        self._rows: dict[str, _Row] = {}

    def begins(self, job_type: str) -> None:
        """A job of this type is tried."""
        row = self._rows.get(job_type)
        if row is not None and row.until is not None:
            self._say("probed", job_type, row)

    def failed(self, job_type: str, job_id: str, reason: Reason) -> None:
        """A model failed to make a job."""
        row, now = self._rows.setdefault(job_type, _Row(reason)), self._clock()
        row.failures[job_id], row.reason = now, reason
        if row.until is None:
            oldest = now - self._entry.window
            row.failures = {one: at for one, at in row.failures.items() if at >= oldest}
            if len(row.failures) < self._entry.failures:
                return
        row.until, row.waits = now + self._entry.cool_down, False
        self._say("stopped", job_type, row, self._entry.cool_down)

    def made(self, job_type: str) -> None:
        """A job was made, which ends the row of failures."""
        row = self._rows.pop(job_type, None)
        if row is not None and row.until is not None:
            self._say("resumed", job_type, row)

    def why_stopped(self, job_type: str) -> str | None:
        """Why no job of this type may be tried now; None: it may."""
        row = self._rows.get(job_type)
        if row is None or not self._is_stopped(row):
            return None
        return (
            f"{job_type} is stopped, its model failed {len(row.failures)} jobs in a row: {row.reason.message}"
        )

    def let_wait(self, job_type: str) -> None:
        """Until it is tried again, all jobs of a stopped type wait, whatever they could do instead."""
        self._rows[job_type].waits = True

    def stopped(self) -> dict[str, bool]:
        """The types that are stopped, and whether :meth:`let_wait` was said of each."""
        return {name: row.waits for name, row in self._rows.items() if self._is_stopped(row)}

    def renew(self, entry: BreakerEntry) -> None:
        """Forget all failures and go by these settings: somebody has changed something."""
        self._entry = entry
        self._rows.clear()

    def _is_stopped(self, row: _Row) -> bool:
        return row.until is not None and self._clock() < row.until

    def _say(
        self, kind: Literal["stopped", "probed", "resumed"], job_type: str, row: _Row, seconds: float = 0.0
    ) -> None:
        self._tell(
            BreakerEvent(
                kind=kind, job_type=job_type, failures=len(row.failures), reason=row.reason, seconds=seconds
            )
        )
