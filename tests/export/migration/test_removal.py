"""A job type goes in two steps: it takes no new jobs, and then it is no job type any more."""

from __future__ import annotations

import pytest
from psycopg.errors import CheckViolation, RaiseException

from ourvidz.export.migration.state import JobTypeNotRetired
from tests.export.catalogs import catalog, job_type
from tests.export.migration.folders import folder
from tests.servers.database import Database

BOTH = catalog(job_type("painting"), job_type("sketch"))
RETIRED = catalog(job_type("painting"), job_type("sketch", status="retired"))
REMOVED = catalog(job_type("painting"))


def test_a_retired_job_type_takes_no_new_rows_and_its_old_ones_can_change(empty: Database) -> None:
    empty.apply(folder(BOTH))
    old, other = empty.job("sketch"), empty.job("painting")
    empty.apply(folder(BOTH, RETIRED))
    with pytest.raises(CheckViolation, match="the job type sketch is retired"):
        empty.job("sketch")
    with empty.acting("service_role") as service:
        assert service.change("update jobs set status = 'completed' where id = %s", old) == 1
    with pytest.raises(CheckViolation, match="retired"), empty.acting("service_role") as service:
        service.change("update jobs set job_type = 'sketch' where id = %s", other)
    empty.job("painting")


def test_a_removed_job_type_is_gone_once_its_jobs_have_ended(empty: Database) -> None:
    empty.apply(folder(BOTH))
    row = empty.job("sketch", status="processing")
    empty.apply(folder(BOTH, RETIRED))
    files = folder(BOTH, RETIRED, REMOVED)
    with pytest.raises(RaiseException, match="to be removed: 1 of sketch") as refused:
        empty.apply(files)
    assert "apply this file again" in (refused.value.diag.message_hint or "")
    with empty.acting("service_role") as service:
        service.change("update jobs set status = 'failed' where id = %s", row)
    empty.apply(files)
    valid = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'valid_job_types'"
    assert empty.value(valid) == "CHECK ((job_type = 'painting'::text)) NOT VALID"
    with pytest.raises(CheckViolation):
        empty.job("sketch")
    assert empty.value("select status from jobs where id = %s", row) == "failed"


def test_between_the_steps_no_file_but_the_contracting_one_narrows_anything(empty: Database) -> None:
    empty.apply(folder(BOTH))
    row = empty.job("sketch")
    files = folder(BOTH, RETIRED, REMOVED)
    empty.apply({name: text for name, text in files.items() if "contract" not in name})
    with empty.acting("service_role") as service:
        assert service.change("update jobs set status = 'completed' where id = %s", row) == 1
    with pytest.raises(CheckViolation, match="retired"):
        empty.job("sketch")


def test_only_a_removal_needs_a_contracting_file() -> None:
    assert [name for name in folder(BOTH, RETIRED) if "contract" in name] == []
    assert [name.partition("_")[2] for name in folder(BOTH, RETIRED, REMOVED) if "contract" in name] == [
        "ourvidz_contract.sql",
        "ourvidz_validate_contracted.sql",
    ]


@pytest.mark.parametrize(
    "left", [REMOVED, catalog(job_type("painting"), job_type("sketch", status="planned"))]
)
def test_a_job_type_that_takes_jobs_cannot_be_removed_at_once(left: object) -> None:
    with pytest.raises(JobTypeNotRetired, match=r"the job type sketch: .* expected status: retired first"):
        folder(BOTH, left)  # type: ignore[arg-type]


def test_a_quality_that_nobody_has_any_more_stays_that_of_old_rows(empty: Database) -> None:
    premium, ordinary = (catalog(job_type("painting", quality_tier=tier)) for tier in ("premium", "fast"))
    empty.apply(folder(premium))
    row = empty.job("painting", quality="premium")
    empty.apply(folder(premium, ordinary))
    with empty.acting("service_role") as service:
        assert service.change("update jobs set status = 'completed' where id = %s", row) == 1


def test_what_lies_in_a_removed_job_types_bucket_stays_readable(empty: Database) -> None:
    catalogs = [
        catalog(job_type("painting"), job_type("sketch", storage_bucket="sketches", status=status))
        for status in ("active", "retired")
    ]
    empty.apply(folder(*catalogs, REMOVED))
    owner = "11111111-1111-4111-8111-111111111111"
    empty.execute(f"insert into storage.objects (bucket_id, name) values ('sketches', '{owner}/a.png')")
    with empty.trying("authenticated", owner) as actor:
        assert actor.values("select count(*) from storage.objects") == [1]
