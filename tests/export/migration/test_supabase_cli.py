"""The folder in the hands of Supabase's own command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.export.migration.folders import PLAN, folder
from tests.servers.database import Database
from tests.servers.node import node_packages
from tests.servers.platform import Platform

THEIRS = {"20240101000000_theirs.sql": "create table public.theirs (id integer);\n"}


def test_supabase_db_push_accepts_the_folder_and_then_has_nothing_to_do(
    server: Platform, tmp_path: Path
) -> None:
    with closing(Database(server.database("deployed"), lasting=True)) as database:
        files = THEIRS | folder(PLAN)
        first = db_push(database, files, tmp_path)
        assert first.returncode == 0, first.stderr
        assert "up to date" not in first.stdout
        applied = "select version from supabase_migrations.schema_migrations order by version"
        assert database.values(applied) == [name.partition("_")[0] for name in sorted(files)]
        assert database.values("select conname from pg_constraint where not convalidated") == []
        before = database.schema()
        second = db_push(database, files, tmp_path)
        assert (second.returncode, "up to date" in second.stdout) == (0, True), second.stderr
        assert database.schema() == before


def test_a_file_that_is_refused_leaves_nothing_of_itself(server: Platform, tmp_path: Path) -> None:
    with closing(Database(server.database("deployed"), lasting=True)) as database:
        # Late in the file, so that much of it has been done by then.
        database.execute("drop table storage.objects, storage.buckets")
        before = database.tables()
        refused = db_push(database, folder(PLAN), tmp_path)
        assert refused.returncode != 0
        assert "storage.buckets" in refused.stderr
        assert database.tables() == before


def db_push(database: Database, files: Mapping[str, str], project: Path) -> subprocess.CompletedProcess[str]:
    migrations = project / "supabase" / "migrations"
    migrations.mkdir(parents=True, exist_ok=True)
    (project / "supabase" / "config.toml").write_text('project_id = "ourvidz"\n')
    for name, text in files.items():
        (migrations / name).write_text(text)
    command: list[str | Path] = [node_packages() / ".bin" / "supabase", "db", "push", "--yes", "--db-url"]
    return subprocess.run(
        [*command, f"{database.url}?sslmode=disable"],
        cwd=project,
        # Its own folder in the home, and nobody to tell.
        env={**os.environ, "HOME": str(project), "DO_NOT_TRACK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
