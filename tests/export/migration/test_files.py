"""The folder: only added to, told apart to the byte, and never by the clock."""

from __future__ import annotations

import json
import random
import re

import pytest

from ourvidz.export.migration import jobs
from ourvidz.export.migration.files import MigrationsBroken, newest_change, next_files
from tests.export.catalogs import PHASE_1, PHASE_2, catalog, job_type
from tests.export.migration.folders import PLAN, folder

ONE = catalog(job_type("painting"))
TWO = catalog(job_type("painting"), job_type("mural"))


def test_a_change_is_a_file_for_each_transaction_named_as_supabase_wants_it() -> None:
    assert list(folder(PLAN)) == [
        "20250702000000_ourvidz_expand.sql",
        "20250702000001_ourvidz_backfill.sql",
        "20250702000002_ourvidz_validate.sql",
    ]


def test_nothing_follows_where_nothing_has_changed() -> None:
    assert next_files(PLAN, folder(PLAN)) == {}
    shown = job_type("painting", expected_time="9s", display={"name": "Oil", "badge": "NEW"}, steps=3)
    assert next_files(catalog(shown), folder(ONE)) == {}


def test_the_same_job_types_in_any_order_give_the_same_bytes() -> None:
    job_types = [*PHASE_1, *PHASE_2]
    for seed in range(3):
        random.Random(seed).shuffle(job_types)
        assert folder(catalog(*job_types)) == folder(PLAN)


def test_a_change_adds_files_and_leaves_the_others() -> None:
    files = folder(ONE)
    added = next_files(TWO, files)
    assert min(added) > max(files)
    assert "'mural'" in added["20250702000003_ourvidz_expand.sql"]
    assert next_files(TWO, files | added) == {}


@pytest.mark.parametrize(
    "changed",
    [
        job_type("painting", worker="WAN"),
        job_type("painting", status="retired"),
        job_type("painting", storage_bucket="paintings"),
        job_type("painting", quality_tier="premium"),
        job_type("painting", requires="init_image_upload", strength=0.5),
    ],
    ids=["worker", "status", "bucket", "quality", "input"],
)
def test_whatever_the_database_has_to_know_is_a_change(changed: object) -> None:
    assert next_files(catalog(changed), folder(ONE)) != {}  # type: ignore[arg-type]


def test_another_generator_writes_the_change_that_it_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = folder(ONE)
    monkeypatch.setattr(jobs, "REALTIME", "select 1;\n")
    assert list(next_files(ONE, files)) == [
        "20250702000003_ourvidz_expand.sql",
        "20250702000004_ourvidz_backfill.sql",
        "20250702000005_ourvidz_validate.sql",
    ]


def test_versions_follow_those_of_other_migrations() -> None:
    others = {"20251231235959_theirs.sql": "select 1;", "20260101_short.sql": "select 1;", "notes.md": ""}
    assert min(next_files(ONE, others)) == "20260101000001_ourvidz_expand.sql"
    assert next_files(ONE, others | next_files(ONE, others)) == {}


def test_a_version_that_is_no_time_is_told_of() -> None:
    with pytest.raises(
        MigrationsBroken, match=r"99999999999999_x\.sql: found the version 99999999999999, expected"
    ):
        next_files(ONE, {"99999999999999_x.sql": ""})


@pytest.mark.parametrize("name", list(folder(ONE, TWO)))
def test_an_edited_file_is_told_of(name: str) -> None:
    files = folder(ONE, TWO)
    files[name] += "drop table jobs;\n"
    with pytest.raises(MigrationsBroken, match=f"{name}: it was edited after it was generated"):
        next_files(TWO, files)


@pytest.mark.parametrize("name", list(folder(ONE, TWO)))
def test_a_missing_file_is_told_of(name: str) -> None:
    files = folder(ONE, TWO)
    del files[name]
    with pytest.raises(
        MigrationsBroken, match=r"found the parts \[.*\], expected \[1, 2, 3\]; get the files back"
    ):
        next_files(TWO, files)


def test_a_missing_change_is_told_of() -> None:
    files = {name: text for name, text in folder(ONE, TWO).items() if name not in folder(ONE)}
    with pytest.raises(
        MigrationsBroken, match="they follow those from 20250702000000, and found those from None"
    ):
        next_files(TWO, files)


def test_a_file_without_its_record_is_told_of() -> None:
    files = folder(ONE)
    name = min(files)
    files[name] = re.sub("-- ourvidz: .*\n", "", files[name])
    with pytest.raises(MigrationsBroken, match=f"{name}: found no record"):
        next_files(ONE, files)


def test_a_renamed_file_is_told_of() -> None:
    files = folder(ONE)
    files["20200101000000_ourvidz_expand.sql"] = files.pop(min(files))
    with pytest.raises(MigrationsBroken, match=r"20200101000000_ourvidz_expand\.sql: it was renamed"):
        next_files(ONE, files)


def test_the_record_says_what_the_folder_leads_to() -> None:
    change = newest_change(folder(ONE, TWO))
    assert list(change.state.job_types) == ["mural", "painting"]
    assert change.version == "20250702000003"
    line = folder(ONE)["20250702000000_ourvidz_expand.sql"].splitlines()[1]
    record = json.loads(line.removeprefix("-- ourvidz: "))
    assert (record["part"], record["parts"], record["after"]) == (1, 3, None)
