"""``ourvidz export-migration``: files are added, and told of where they are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import REPOSITORY, CommandLine

FIRST = [
    "20250702000000_ourvidz_expand.sql",
    "20250702000001_ourvidz_backfill.sql",
    "20250702000002_ourvidz_validate.sql",
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "supabase" / "migrations").iterdir())


def test_files_are_written_once(ourvidz: CommandLine, folder: Path) -> None:
    first = ourvidz("export-migration")
    assert first.stdout.splitlines() == [f"supabase/migrations/{name} is written" for name in FIRST]
    assert names(folder) == FIRST
    assert ourvidz("export-migration").stdout == "supabase/migrations is fresh\n"
    assert ourvidz("export-migration --check").stdout == "supabase/migrations is fresh\n"


def test_a_new_job_type_adds_files_and_the_check_shows_them_before(
    ourvidz: CommandLine, folder: Path
) -> None:
    ourvidz("export-migration")
    before = {name: (folder / "supabase/migrations" / name).read_bytes() for name in FIRST}
    spec = (folder / "jobtypes" / "video_fast.yaml").read_text()
    (folder / "jobtypes" / "video_slow.yaml").write_text(spec)
    run = ourvidz("export-migration --check")
    assert run.status == 1
    assert "+++ supabase/migrations/20250702000003_ourvidz_expand.sql" in run.stdout
    assert "'video_slow'" in run.stdout
    assert names(folder) == FIRST
    assert ourvidz(run.remedy).status == 0
    assert len(names(folder)) == 6
    assert {name: (folder / "supabase/migrations" / name).read_bytes() for name in FIRST} == before
    assert ourvidz("export-migration --check").status == 0


def test_machines_are_told_what_became_of_the_folder(ourvidz: CommandLine) -> None:
    stale = ourvidz("export-migration --check --json")
    assert json.loads(stale.stderr)["error"]["code"] == "generated_file_stale"
    report = json.loads(stale.stdout)
    assert (report["state"], report["files"]) == ("stale", FIRST)
    assert report["diff"].startswith("--- /dev/null")
    said = [json.loads(ourvidz("export-migration --json").stdout) for _ in range(2)]
    assert said == [
        {"path": "supabase/migrations", "state": "written", "files": FIRST},
        {"path": "supabase/migrations", "state": "fresh", "files": []},
    ]


def test_another_folder_can_be_named(ourvidz: CommandLine, folder: Path) -> None:
    run = ourvidz("export-migration --out sql --check")
    assert ourvidz(run.remedy).status == 0
    assert sorted(path.name for path in (folder / "sql").iterdir()) == FIRST


def test_an_edited_file_stops_it(ourvidz: CommandLine, folder: Path) -> None:
    ourvidz("export-migration")
    with (folder / "supabase/migrations" / FIRST[1]).open("a") as file:
        file.write("-- a note\n")
    run = ourvidz("export-migration --check --json")
    assert (run.status, json.loads(run.stderr)["error"]["code"]) == (1, "migrations_broken")


def test_a_folder_that_is_a_file_is_told_of(ourvidz: CommandLine, folder: Path) -> None:
    (folder / "supabase").mkdir()
    (folder / "supabase/migrations").write_text("")
    run = ourvidz("export-migration")
    assert run.status == 3
    assert run.stderr.startswith("error: supabase/migrations cannot be read: Not a directory; ")


def test_the_committed_migrations_are_what_the_repositorys_job_types_say(
    ourvidz: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    run = ourvidz("export-migration --check")
    assert (run.status, run.stdout) == (0, "supabase/migrations is fresh\n")
