"""``ourvidz migrate`` as an operator sees it, on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ourvidz.export.migration import jobs
from ourvidz.runtime.postgres_access import URL_VARIABLE
from ourvidz.runtime.queue.sqlite import SqliteQueue
from tests.cli.conftest import CommandLine, folder, ourvidz
from tests.conformance.jobs import payload
from tests.export.catalogs import catalog, job_type
from tests.export.migration.folders import PLAN
from tests.export.migration.folders import folder as files_of
from tests.runtime.redis_server import RedisServer
from tests.servers.database import Database
from tests.servers.platform import Platform, platform

__all__ = ["folder", "ourvidz"]

SKETCH = job_type("sketch")
RETIRED = job_type("sketch", status="retired")

#: Of a folder that first has, then retires and then removes a job type.
REMOVING = files_of(
    catalog(SKETCH, *PLAN.job_types.values()), catalog(RETIRED, *PLAN.job_types.values()), PLAN
)


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    with platform() as running:
        yield running


@pytest.fixture
def database(running: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """As it is deployed, and the address of it in the environment."""
    with closing(Database(running.database("deployed"), lasting=True)) as database:
        monkeypatch.setenv(URL_VARIABLE, database.url)
        monkeypatch.setattr(jobs, "BACKFILLED_AT_ONCE", 1)
        yield database


def write(folder: Path, files: dict[str, str]) -> dict[str, str]:
    migrations = folder / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    for name, text in files.items():
        (migrations / name).write_text(text)
    return files


def push(folder: Path, *job_types: str) -> None:
    (folder / "data").mkdir()
    with closing(SqliteQueue(folder / "data" / "queue.sqlite3")) as queue:
        for number, one in enumerate(job_types):
            queue.push("sdxl_queue", payload(number, job_type=one))


def test_a_backfill_fills_in_all_old_rows_batch_by_batch_and_can_be_repeated(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    database.execute(
        "insert into jobs (user_id, job_type, status) "
        "select gen_random_uuid(), 'sdxl_image_fast', 'completed' from generate_series(1, 30)"
    )
    database.apply(write(folder, files_of(PLAN)))
    assert database.value("select count(*) from jobs where worker_type is null") == 32
    run = ourvidz("migrate backfill --batch 7")
    assert (run.status, run.stdout) == (0, "32 rows changed, 0 left\n")
    assert database.values("select distinct job_type || ' ' || worker_type from jobs order by 1") == [
        "image_high WAN",
        "sdxl_image_fast SDXL",
        "video_high WAN",
    ]
    assert json.loads(ourvidz("migrate backfill --json").stdout) == {"changed": 0, "left": 0}


def test_a_row_that_somebody_holds_is_passed_over_and_said_to_be_left(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    database.apply(write(folder, files_of(PLAN)))
    database.execute("update jobs set worker_type = null")
    with psycopg.connect(database.url) as other:
        other.execute("select from jobs where job_type = 'video_high' for update")
        run = ourvidz("migrate backfill")
    assert (run.status, run.stdout) == (5, "2 rows changed, 1 left; run it again\n")


def test_rows_that_no_constraint_allows_do_not_stop_a_backfill(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    database.execute(
        "alter table jobs drop constraint jobs_quality_check, drop constraint jobs_job_type_check"
    )
    database.execute(
        "insert into jobs (user_id, job_type, status, quality) values "
        "(gen_random_uuid(), 'chat', 'failed', null), (gen_random_uuid(), 'video_fast', 'failed', 'odd')"
    )
    database.apply(write(folder, files_of(PLAN)))
    run = ourvidz("migrate backfill")
    assert (run.status, run.stdout) == (0, "2 rows changed, 0 left\n")


def test_nothing_is_in_the_way_where_no_job_type_was_removed(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    database.apply(write(folder, files_of(PLAN)))
    run = ourvidz("migrate check")
    assert (run.status, run.stdout) == (0, "nothing is in the way\n")
    assert run.stderr.startswith('warning: your policy "owners may do anything" on public.jobs lets clients')


def test_rows_and_jobs_of_a_removed_job_type_are_counted(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    files = write(folder, REMOVING)
    database.apply({name: files[name] for name in sorted(files)[:3]})
    database.job("sketch")
    push(folder, "sketch", "sketch", "sdxl_image_fast")
    run = ourvidz("migrate check --json")
    assert run.status == 5
    assert json.loads(run.stdout)["obstacles"] == [{"jobType": "sketch", "rows": 1, "jobs": 2}]
    database.execute("update jobs set status = 'failed'")
    assert ourvidz("migrate check").stdout.splitlines()[1].split() == ["sketch", "0", "2"]


def test_a_job_that_no_worker_has_read_yet_is_counted_without_a_row(
    ourvidz: CommandLine,
    folder: Path,
    database: Database,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = write(folder, REMOVING)
    database.apply({name: files[name] for name in sorted(files)[:3]})
    monkeypatch.setenv("OURVIDZ_QUEUE_URL", redis_server.url)
    with redis_server.client() as producer:
        producer.lpush("sdxl_queue", payload(1, job_type="sketch"))
    run = ourvidz("migrate check --json")
    assert run.status == 5
    assert json.loads(run.stdout)["obstacles"] == [{"jobType": "sketch", "rows": 0, "jobs": 1}]


def test_before_the_first_push_it_says_what_will_be_refused_and_what_stays_open(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    write(folder, files_of(PLAN))
    assert ourvidz("migrate check").status == 0
    database.execute("alter table jobs drop constraint jobs_job_type_check")
    database.execute("insert into jobs (user_id, job_type) values (gen_random_uuid(), 'chat')")
    run = ourvidz("migrate check --json")
    assert run.status == 5
    report = json.loads(run.stdout)
    assert report["obstacles"] == [{"jobType": "chat", "rows": 1, "jobs": 0}]
    assert report["warnings"][0].startswith('your policy "owners may do anything"')


def test_an_empty_database_has_nothing_in_the_way(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    write(folder, files_of(PLAN))
    database.execute("drop table jobs")
    run = ourvidz("migrate check")
    assert (run.status, run.stdout, run.stderr) == (0, "nothing is in the way\n", "")


def test_old_rows_that_a_constraint_does_not_hold_are_told_of(
    ourvidz: CommandLine, folder: Path, database: Database
) -> None:
    database.execute("alter table jobs drop constraint jobs_job_type_check")
    database.execute(
        "insert into jobs (user_id, job_type, status) values (gen_random_uuid(), 'chat', 'failed')"
    )
    database.apply(write(folder, files_of(PLAN)))
    warnings = json.loads(ourvidz("migrate check --json").stdout)["warnings"]
    assert any("valid_job_types" in one for one in warnings)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "supabase_not_configured"),
        ("postgres://postgres:hunter2@127.0.0.1:1/postgres", "database_unavailable"),
        ("postgres://postgres:hunter2@@@/x?y=hunter2", "supabase_not_configured"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_of_without_its_password(
    ourvidz: CommandLine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    code: str,
) -> None:
    write(folder, files_of(PLAN))
    monkeypatch.setenv(URL_VARIABLE, url)
    run = ourvidz("migrate check --json")
    error = json.loads(run.stderr)["error"]
    assert (run.status, error["code"]) == (3, code)
    assert URL_VARIABLE in error["message"]
    assert "hunter2" not in run.stderr


def test_a_role_that_may_not_read_is_told_of(
    ourvidz: CommandLine, folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.apply(write(folder, files_of(PLAN)))
    database.execute("create role visitor login")
    monkeypatch.setenv(URL_VARIABLE, database.url.replace("postgres@", "visitor@"))
    run = ourvidz("migrate backfill --json")
    error = json.loads(run.stderr)["error"]
    assert (run.status, error["code"]) == (3, "database_refused")
    assert "permission denied" in error["message"]


@pytest.mark.usefixtures("database")
def test_without_migrations_there_is_nothing_to_look_after(ourvidz: CommandLine, folder: Path) -> None:
    run = ourvidz("migrate check --json")
    assert json.loads(run.stderr)["error"]["code"] == "not_migrated"
    write(folder, files_of(PLAN))
    run = ourvidz("migrate backfill")
    assert run.status == 3
    assert "has not had the migrations" in run.stderr
