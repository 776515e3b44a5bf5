"""Jobs that ended long ago, and may be forgotten since their ends have been told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice

from ourvidz.jobs.states import FINAL

#: Jobs forgotten at a time: some tens of milliseconds, for which others may have to wait.
AT_A_TIME = 2_000

_NEXT_TYPE = """
SELECT min(job_type) FROM jobs WHERE finished_at IS NOT NULL AND state = ? AND job_type > ?
"""
_TOLD = """
SELECT place FROM jobs WHERE state = ? AND job_type = ? AND finished_at < ?
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = jobs.job_id)
ORDER BY finished_at
"""


def forgettable(connection: sqlite3.Connection, before: float) -> list[int]:
    """Places of jobs that ended before a moment, of every kind: a step through the index each."""
    return list(islice(_forgettable(connection, before), AT_A_TIME))


def _forgettable(connection: sqlite3.Connection, before: float) -> Iterator[int]:
    for state in FINAL:
        job_type = ""
        while job_type is not None:
            for row in connection.execute(_TOLD, (state, job_type, before)):
                yield row["place"]
            job_type = connection.execute(_NEXT_TYPE, (state, job_type)).fetchone()[0]


def forget(connection: sqlite3.Connection, places: list[int], before: float) -> int:
    """Delete those that are still as they were found; returns how many."""
    return connection.executemany(
        "DELETE FROM jobs WHERE place = ? AND finished_at < ?", [(place, before) for place in places]
    ).rowcount
