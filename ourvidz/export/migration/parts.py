"""The files of one change of the database. Each is one transaction, so that none holds locks for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ourvidz.export.migration import jobs, reports, storage
from ourvidz.export.migration.state import State, removed


@dataclass(frozen=True, slots=True)
class Part:
    """A file's name, and its SQL by the version that stands in it and in the file's name."""

    name: str
    sql: Callable[[str], str]


def parts(before: State, after: State) -> Sequence[Part]:
    """What leads from one state of the database to another, in the order in which it is applied.

    A database that is not in the state before it, or is halfway, comes to the same.
    """
    gone = removed(before, after)
    found = [
        Part("expand", lambda version: _expansion(after, gone, version)),
        Part("backfill", lambda _: jobs.backfill(after)),
        Part("validate", lambda _: jobs.validation()),
    ]
    if gone:
        found += [
            Part("contract", lambda version: jobs.contraction(after, gone, version)),
            Part("validate_contracted", lambda _: jobs.validation()),
        ]
    return found


def _expansion(after: State, gone: Sequence[str], version: str) -> str:
    """Everything that allows more than before, and what is allowed from now on only of new rows.

    Job types that are removed stay valid until the contraction, as retired ones.
    """
    known = sorted([*after.job_types, *gone])
    retired = sorted([*after.retired, *gone])
    return _joined(
        [
            jobs.refusal(known, version),
            jobs.TABLE,
            jobs.constraints(after, known, version),
            jobs.guard(after, retired),
            jobs.READERS,
            jobs.REALTIME,
            storage.buckets(after),
            storage.policies(after),
            reports.of_jobs(),
            reports.of_objects(after),
        ]
    )


def _joined(some: Iterable[str]) -> str:
    return "\n".join(some)
