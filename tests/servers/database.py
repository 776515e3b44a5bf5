"""One database in the hands of a test: migrations applied to it, and people who try things."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import scalar_row

from tests.servers.postgres import program

OWNER = "11111111-1111-4111-8111-111111111111"
STRANGER = "22222222-2222-4222-8222-222222222222"


class Database:
    """A connection as the database's owner, and the warnings that it was told.

    Whatever is done is done at once, or is part of one transaction that is rolled back at the end: the
    database is as it was for the next test.
    """

    def __init__(self, url: str, *, lasting: bool) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.warnings: list[str] = []
        self.connection.add_notice_handler(lambda told: self.warnings.append(told.message_primary or ""))
        if not lasting:
            self.connection.execute("begin")

    def apply(self, files: Mapping[str, str]) -> None:
        """Apply files in the order of their names, each in a transaction of its own."""
        for _, text in sorted(files.items()):
            self.execute(text)

    def execute(self, sql: str, *values: object) -> None:
        with self.connection.transaction():
            self.connection.execute(sql, values or None)

    def values(self, sql: str, *values: object) -> list[Any]:
        """The only column of a query."""
        return self.connection.cursor(row_factory=scalar_row).execute(sql, values or None).fetchall()

    def value(self, sql: str, *values: object) -> Any:
        (found,) = self.values(sql, *values)
        return found

    def job(self, job_type: str, **columns: object) -> str:
        """Insert a row as edge functions do, and return its id."""
        with self.acting("service_role") as service:
            return service.insert(job_type=job_type, **columns)

    @contextmanager
    def acting(self, role: str, user: str | None = None, *, trying: bool = False) -> Iterator[Actor]:
        """Somebody's transaction, as PostgREST and the storage server open it; of trying nothing remains."""
        claims = json.dumps({"role": role} | ({"sub": user} if user else {}))
        with self.connection.transaction(force_rollback=trying):
            self.connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
            self.connection.execute("select set_config('role', %s, true)", [role])
            yield Actor(self.connection)
            self.connection.execute("reset role")

    def trying(self, role: str, user: str | None = None) -> AbstractContextManager[Actor]:
        return self.acting(role, user, trying=True)

    def schema(self) -> str:
        """Everything that lasts but the rows, as ``pg_dump`` writes it, and the buckets."""
        sql = (
            "select (id, public, file_size_limit, allowed_mime_types)::text from storage.buckets order by id"
        )
        return "\n".join([self._dumped(), *self.values(sql)])

    def tables(self) -> str:
        """The schema ``public`` alone."""
        return self._dumped("--schema", "public")

    def _dumped(self, *options: str) -> str:
        dump: list[str | Path] = [program("pg_dump"), "--schema-only", *options, "--dbname", self.url]
        written = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        # Newer versions write a key that differs from dump to dump.
        return "\n".join(line for line in written.splitlines() if not line.startswith("\\"))

    def close(self) -> None:
        # A server goes on for a moment after its client has left, and holds what was locked.
        self.connection.rollback()
        self.connection.close()


class Actor:
    """Somebody with an open transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def insert(self, **columns: object) -> str:
        row = {"user_id": OWNER} | columns
        names = ", ".join(row)
        places = ", ".join(["%s"] * len(row))
        sql = f"insert into public.jobs ({names}) values ({places}) returning id::text"
        return str(self.values(sql, *row.values())[0])

    def values(self, sql: str, *values: object) -> list[Any]:
        cursor = self.connection.cursor(row_factory=scalar_row).execute(sql, values or None)
        return cursor.fetchall()

    def change(self, sql: str, *values: object) -> int:
        """How many rows a statement changed."""
        return self.connection.execute(sql, values or None).rowcount
