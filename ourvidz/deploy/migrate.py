"""What the migrations leave to be done on the database itself: long work in batches, and looking first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from ourvidz.errors import NotReady
from ourvidz.export.migration import jobs, reports
from ourvidz.export.migration.files import newest_change
from ourvidz.export.migration.sql import is_one_of
from ourvidz.export.migration.state import State
from ourvidz.jobs.queue import Queue
from ourvidz.jobs.states import JobState
from ourvidz.jobs.table import OPEN
from ourvidz.runtime.postgres_access import URL_VARIABLE, connection_parameters

#: Rows of one transaction: few enough that nobody who changes one of them waits for long.
BATCH: Final = 1000

#: Jobs of a type that are counted in each state: one is enough to refuse.
_COUNTED: Final = 1000

#: Seconds until a server that does not answer counts as unreachable.
_TIMEOUT: Final = 10

_FIRST: Final = UUID(int=0)

#: The classes of SQLSTATE that may pass: connections, resources, an operator's doing, a lock.
_PASSING: Final = ("08", "53", "57", "55P03", "40")


class DatabaseUnavailable(NotReady):
    """The platform's database cannot be reached; the same call may work later."""

    code = "database_unavailable"
    retryable = True


class DatabaseRefused(NotReady):
    """The platform's database is not what was expected, or does not let itself be read or changed."""

    code = "database_refused"


class NotMigrated(NotReady):
    """There are no migrations of ourvidz, or the database has not had them."""

    code = "not_migrated"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A job type that is not valid any more, or never was, and has jobs."""

    job_type: str
    rows: int
    """Unfinished ones in the table of jobs."""
    jobs: int
    """Those that wait or run, as the queue knows; the oldest of very many are not counted."""


class Database:
    """The platform's database, as its owner. Every method raises DatabaseUnavailable and DatabaseRefused."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], state: State) -> None:
        self._connection = connection
        self._state = state

    @classmethod
    @contextmanager
    def open(cls, environment: Mapping[str, str], files: Mapping[str, str]) -> Iterator[Database]:
        """Connect for as long as the block runs; ``files`` are those of the migrations folder.

        Raises SupabaseNotConfigured, NotMigrated, and MigrationsBroken as well.
        """
        change = newest_change(files)
        if change.version is None:
            raise NotMigrated("the migrations folder has no file of ours; run: ourvidz export-migration")
        parameters = connection_parameters(environment)
        with _asking("cannot be reached"):
            connection = psycopg.connect(
                **{"connect_timeout": _TIMEOUT, **parameters},
                autocommit=True,
                prepare_threshold=None,
                row_factory=tuple_row,
            )
        with connection:
            yield cls(connection, change.state)

    def rows(self) -> int:
        """About how many rows the table of jobs has."""
        return max(0, int(self._value("select reltuples from pg_class where oid = 'public.jobs'::regclass")))

    def backfill(self, batch: int = BATCH) -> Iterator[tuple[int, int]]:
        """Fill in the workers of old rows, a batch and a transaction at a time, in the order of their ids.

        Gives after each how many rows it looked at and how many it changed. Rows that somebody else
        holds are passed over. It may be stopped at any moment and begun anew. Raises NotMigrated.
        """
        if not self._has("to_regproc('public.ourvidz_guard_jobs')"):
            raise NotMigrated("the database has not had the migrations: apply them, as with supabase db push")
        start: UUID | None = _FIRST
        while start is not None:
            end = self._value(
                "select (select id from public.jobs where id >= %s order by id offset %s limit 1)",
                start,
                batch,
            )
            within = "id >= %s and id < %s" if end else "id >= %s"
            ids = f"select id from public.jobs where {within} and {jobs.needs_backfill(self._state)}"
            bounds = [start, end] if end else [start]
            with _asking("cannot be changed"):
                changed = self._execute(jobs.backfill_batch(self._state, ids), *bounds).rowcount
            yield batch, changed
            start = end

    def unfilled(self) -> int:
        """Rows that still lack their worker."""
        return int(self._value(f"select count(*) from public.jobs where {jobs.needs_backfill(self._state)}"))

    def warnings(self) -> list[str]:
        """The operator's own rules that open what ours close, and ours that old rows do not keep."""
        told: list[str] = []

        def note(notice: psycopg.errors.Diagnostic) -> None:
            told.append(notice.message_primary or "")

        if not self._has("to_regclass('public.jobs')"):
            return told
        self._connection.add_notice_handler(note)
        try:
            with _asking("cannot be read"):
                self._execute(reports.of_jobs())
                self._execute(reports.of_objects(self._state))
                self._execute(reports.of_constraints())
        finally:
            self._connection.remove_notice_handler(note)
        return told

    def obstacles(self, gone: Iterable[str], queue: Queue) -> list[Obstacle]:
        """Job types that are not valid once all files are applied, and are in use: files would be refused.

        ``gone`` are those that files remove; of other ones nobody but the table knows.
        """
        unfinished: dict[str, int] = {}
        if self._has("to_regclass('public.jobs')"):
            sql = "select job_type, count(*) from public.jobs where "
            with _asking("cannot be read"):
                rows = self._execute(f"{sql}{is_one_of('status', OPEN)} group by job_type").fetchall()
            unfinished = {name: count for name, count in rows if name not in self._state.job_types}
        names = sorted({*gone, *unfinished})
        found = [Obstacle(name, unfinished.get(name, 0), _known(queue, name)) for name in names]
        return [one for one in found if one.rows or one.jobs]

    def _has(self, what: str) -> bool:
        return bool(self._value(f"select {what} is not null"))

    def _value(self, sql: str, *values: object) -> Any:
        with _asking("cannot be read"):
            row = self._execute(sql, *values).fetchone()
        assert row is not None
        return row[0]

    def _execute(self, sql: str, *values: object) -> psycopg.Cursor[tuple[Any, ...]]:
        # What stands in it besides values comes from the migrations, whose literals hold no %.
        return self._connection.execute(sql, values or None)


def _known(queue: Queue, job_type: str) -> int:
    states: tuple[JobState, ...] = ("queued", "processing")
    return sum(len(queue.jobs(state=one, job_type=job_type, limit=_COUNTED)) for one in states)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Say what went wrong without the server's address, which may hold a password."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate
        if state is None:
            # Nobody answered, or what stands in the variable is no address.
            raise DatabaseUnavailable(
                f"the database: {what}: no connection ({type(error).__name__}); check {URL_VARIABLE}"
            ) from None
        kind = DatabaseUnavailable if state.startswith(_PASSING) else DatabaseRefused
        raise kind(f"the database: {what}: {state} {error.diag.message_primary!a}") from None
