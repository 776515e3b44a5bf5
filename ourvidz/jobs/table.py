"""The job table protocol: the platform's own list of its jobs, as deployed today. Version 1.

Its rows are written by edge functions and by callbacks, and their owners may write them as well. What
is used of it are the columns that every deployed table has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ourvidz.errors import NotReady
from ourvidz.jobs.states import Failure

TABLE_PROTOCOL_VERSION = 1

#: Statuses of a row whose job has not ended, as far as the platform knows.
OPEN = ("queued", "processing")


class JobTableUnavailable(NotReady):
    """The platform's job table cannot be reached; the same call may work later."""

    code = "job_table_unavailable"
    retryable = True


class JobTableRefused(NotReady):
    """The platform's job table is not what was expected, or does not let itself be read or changed."""

    code = "job_table_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A row as it was seen."""

    job_id: str
    job_type: str
    status: str


class JobTable(Protocol):
    """Every method raises JobTableUnavailable and JobTableRefused."""

    def open_rows(self, *, before: float) -> Iterator[JobRow]:
        """Rows that say queued or processing, and were made before a moment; not those of unknown age.

        In order of their ids, and read a page at a time: rows may change meanwhile.
        """
        ...

    def statuses(self, job_ids: Collection[str]) -> Mapping[str, str]:
        """What the rows of these jobs say, of those that there are; for some hundreds of jobs at most."""
        ...

    def fail(self, row: JobRow, failure: Failure) -> bool:
        """Let a row say that its job has failed, if it still says what was seen; returns whether it did."""
        ...

    def close(self) -> None: ...
