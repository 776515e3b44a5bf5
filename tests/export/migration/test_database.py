"""The files on a real server: on an empty project, and on one as it is deployed, with rows in it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import CheckViolation, RaiseException

from ourvidz.export.migration import jobs
from tests.export.catalogs import PHASE_1, catalog, job_type
from tests.export.migration.folders import PLAN, folder
from tests.servers.database import OWNER, STRANGER, Database
from tests.servers.platform import Platform

REPOSITORY = Path(__file__).parents[3]


def test_twice_is_the_same_as_once(lasting: Database) -> None:
    lasting.apply(folder(PLAN))
    once = lasting.schema()
    lasting.apply(folder(PLAN))
    assert lasting.schema() == once


def test_the_index_that_the_documentation_builds_before_is_the_one_of_the_files() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "deploy-the-database.md").read_text()
    (statement,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert statement.replace("concurrently ", "") in jobs.TABLE


def test_both_projects_come_to_have_the_same_rules(empty: Database, deployed: Database) -> None:
    rules = (
        "select pg_get_constraintdef(oid) from pg_constraint "
        "where conrelid = 'jobs'::regclass and contype = 'c'"
    )
    found = []
    for database in (empty, deployed):
        database.apply(folder(PLAN))
        found.append(sorted(database.values(rules)))
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_all_files_can_be_applied_again_from_the_first(lasting: Database) -> None:
    retired, mural = job_type("sketch", status="retired"), job_type("mural", quality_tier="mural")
    files = folder(PLAN, catalog(job_type("sketch"), *PLAN.job_types.values()))
    files |= folder(
        PLAN,
        catalog(job_type("sketch"), *PLAN.job_types.values()),
        catalog(retired, *PLAN.job_types.values()),
        catalog(mural, *PLAN.job_types.values()),
    )
    lasting.apply(files)
    lasting.job("mural", quality="mural")
    before = lasting.schema()
    lasting.apply(files)
    assert lasting.schema() == before


def test_every_active_job_type_can_be_inserted_and_gets_its_worker(database: Database) -> None:
    database.apply(folder(PLAN))
    for one in PLAN.job_types.values():
        new = database.job(one.id, quality=one.quality_tier, format=one.content_type, status="cancelled")
        assert database.value("select worker_type from jobs where id = %s", new) == one.worker


@pytest.mark.parametrize("name", ["sdxl_image_fats", "sdxlXimage_fast", "SDXL_IMAGE_FAST", ""])
def test_another_job_type_cannot_be_inserted(database: Database, name: str) -> None:
    database.apply(folder(PLAN))
    with pytest.raises(CheckViolation, match="valid_job_types"):
        database.job(name)


@pytest.mark.parametrize(
    ("column", "constraint"),
    [("status", "valid_job_status"), ("format", "valid_job_format"), ("quality", "valid_job_quality")],
)
def test_nor_can_another_status_format_or_quality(database: Database, column: str, constraint: str) -> None:
    database.apply(folder(PLAN))
    with pytest.raises(CheckViolation, match=constraint):
        database.job("video_fast", **{column: "odd"})


def test_a_planned_job_type_cannot_be_inserted_yet(empty: Database) -> None:
    empty.apply(folder(catalog(job_type("painting"), job_type("mural", status="planned"))))
    with pytest.raises(CheckViolation, match="valid_job_types"):
        empty.job("mural")


def test_old_rows_get_the_worker_of_their_job_type(deployed: Database) -> None:
    # The plan's column: one default for all, and a pattern in which _ is any character.
    deployed.execute("alter table jobs add column worker_type text default 'WAN'")
    deployed.apply(folder(PLAN))
    workers = deployed.values("select job_type || ' ' || worker_type from jobs order by id")
    assert workers == ["sdxl_image_fast SDXL", "image_high WAN", "video_high WAN"]
    assert deployed.warnings[-1].startswith('your policy "owners may do anything"')


def test_of_many_old_rows_some_are_done_at_once_and_the_command_is_named(
    deployed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BACKFILLED_AT_ONCE", 2)
    deployed.apply(folder(PLAN))
    assert deployed.value("select count(*) from jobs where worker_type is null") == 1
    assert "run ourvidz migrate backfill" in deployed.warnings[-1]


def test_checks_over_one_of_our_columns_are_replaced_whatever_they_are_called(deployed: Database) -> None:
    deployed.execute("alter table jobs rename constraint jobs_job_type_check to mine")
    deployed.execute("alter table jobs add constraint theirs check (max_attempts < 10)")
    deployed.apply(folder(PLAN))
    names = "select conname from pg_constraint where conrelid = 'jobs'::regclass and contype = 'c' order by 1"
    assert deployed.values(names) == ["theirs", *sorted(jobs.CONSTRAINTS)]
    assert any("replaces the constraint mine of public.jobs" in one for one in deployed.warnings)


def test_a_check_over_several_columns_stays_and_is_told_of(deployed: Database) -> None:
    deployed.execute("alter table jobs add constraint theirs check (format <> 'video' or quality <> 'odd')")
    deployed.apply(folder(PLAN))
    assert any("your constraint theirs of public.jobs stays" in one for one in deployed.warnings)


def test_old_rows_are_held_to_every_constraint(deployed: Database) -> None:
    deployed.apply(folder(PLAN))
    assert deployed.values("select conname from pg_constraint where not convalidated") == []


def test_ended_rows_of_unknown_job_types_stay_and_are_told_of(deployed: Database) -> None:
    deployed.execute("alter table jobs drop constraint jobs_job_type_check")
    deployed.execute(
        "insert into jobs (user_id, job_type, status) values (gen_random_uuid(), 'chat', 'failed')"
    )
    deployed.apply(folder(PLAN))
    assert any("ended rows that valid_job_types does not allow" in one for one in deployed.warnings)
    assert deployed.values("select conname from pg_constraint where not convalidated") == ["valid_job_types"]
    assert deployed.value("select count(*) from jobs where job_type = 'chat'") == 1
    with pytest.raises(CheckViolation, match="valid_job_types"):
        deployed.job("chat")


def test_unfinished_rows_of_unknown_job_types_stop_it_before_anything_changes(server: Platform) -> None:
    with closing(Database(server.database("deployed"), lasting=True)) as database:
        database.execute("alter table jobs drop constraint jobs_job_type_check")
        database.execute("insert into jobs (user_id, job_type) values (gen_random_uuid(), 'chat')")
        before = database.schema()
        with pytest.raises(RaiseException, match=r"not in the catalog: 1 of chat") as refused:
            database.apply(folder(PLAN))
        assert "let their jobs end" in (refused.value.diag.message_hint or "")
        assert database.schema() == before


def test_rows_are_hidden_where_nothing_hid_them_before(empty: Database) -> None:
    empty.apply(folder(PLAN))
    empty.job("video_fast")
    for role, user, count in (("authenticated", OWNER, 1), ("authenticated", STRANGER, 0), ("anon", None, 0)):
        with empty.trying(role, user) as actor:
            assert actor.values("select count(*) from jobs") == [count]


def test_changes_of_jobs_are_published_with_the_old_row(database: Database) -> None:
    database.apply(folder(PLAN))
    assert database.values("select tablename from pg_publication_tables") == ["jobs"]
    assert database.value("select relreplident::text from pg_class where oid = 'jobs'::regclass") == "f"


@pytest.mark.parametrize("publication", ["", "create publication supabase_realtime for all tables"])
def test_a_project_may_have_no_publication_or_one_of_everything(empty: Database, publication: str) -> None:
    empty.execute(f"drop publication supabase_realtime; {publication}")
    empty.apply(folder(PLAN))
    assert (
        empty.values("select pubname from pg_publication_rel r join pg_publication p on p.oid = r.prpubid")
        == []
    )


def test_a_lock_that_somebody_holds_stops_a_file_which_can_then_be_applied_again(server: Platform) -> None:
    files = folder(PLAN)
    with closing(Database(server.database("deployed"), lasting=True)) as database:
        with psycopg.connect(database.url) as other:
            other.execute("lock table public.jobs in access share mode")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                database.apply(files)
        database.apply(files)
        assert database.value("show lock_timeout") == "0"


def test_an_empty_catalog_takes_no_job(empty: Database) -> None:
    empty.apply(folder(catalog()))
    with pytest.raises(CheckViolation, match="valid_job_types"):
        empty.job("video_fast")


def test_six_job_types_then_eight(deployed: Database) -> None:
    deployed.apply(folder(catalog(*PHASE_1)))
    with pytest.raises(CheckViolation):
        deployed.job("sdxl_img2img")
    deployed.apply(folder(catalog(*PHASE_1), PLAN))
    deployed.job("sdxl_img2img")
