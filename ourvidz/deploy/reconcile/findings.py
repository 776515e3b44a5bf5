"""What can be found, and how each is mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

#: In the order in which they are looked for.
Kind = Literal["row_without_job", "row_not_told", "job_without_row", "object_without_winner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the table, the queue and storage do not agree about."""

    kind: Kind
    about: str
    """The job's id, or the object's place."""
    found: str
    remedy: str
    """What :attr:`mend` does."""
    mend: Callable[[], bool]
    """Mends it, however often it is called; False if it needs that no more."""


@dataclass(slots=True)
class Bounded:
    """Lets so many findings of each kind through, and counts all."""

    limit: int
    counts: Counter[Kind] = field(default_factory=Counter)

    def of(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        for finding in findings:
            self.counts[finding.kind] += 1
            if self.counts[finding.kind] <= self.limit:
                yield finding

    @property
    def left(self) -> int:
        """How many were counted and not let through."""
        return sum(max(0, count - self.limit) for count in self.counts.values())
