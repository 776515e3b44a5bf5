"""``ourvidz export-routing``: print, write, and check what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ourvidz.cli.main import EXPORTS
from ourvidz.export.routing import as_json, as_typescript
from ourvidz.project import Project
from tests.cli.conftest import CommandLine

REPOSITORY = Path(__file__).parent.parent.parent
COMMITTED = "supabase/functions/_shared/routing.ts"

EXPORTER = """
from ourvidz.plugins.exporters import Exporter
from ourvidz.plugins.hookspecs import hookimpl


@hookimpl
def ourvidz_exporters():
    count = {"txt": lambda catalog: f"{len(catalog.job_types)} job types\\n"}
    return [Exporter(name="count", description="Count them.", path="count.txt", formats=count)]
"""


@pytest.fixture
def project(folder: Path) -> Project:
    return Project.open(jobtypes=folder / "jobtypes")


def test_without_a_file_the_module_is_printed(ourvidz: CommandLine, project: Project) -> None:
    run = ourvidz("export-routing")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == as_typescript(project.catalog)


def test_json_is_printed_for_other_languages(ourvidz: CommandLine, project: Project) -> None:
    run = ourvidz("export-routing --format json")
    assert json.loads(run.stdout) == json.loads(as_json(project.catalog))


def test_a_file_is_written_once_and_then_left_alone(
    ourvidz: CommandLine, folder: Path, project: Project
) -> None:
    first = ourvidz(f"export-routing --out {COMMITTED}")
    assert (first.status, first.stdout) == (0, f"{COMMITTED} is written\n")
    assert (folder / COMMITTED).read_text() == as_typescript(project.catalog)
    assert ourvidz(f"export-routing --out {COMMITTED}").stdout == f"{COMMITTED} is fresh\n"
    assert ourvidz("export-routing --check").status == 0


def test_machines_are_told_what_became_of_the_file(ourvidz: CommandLine, folder: Path) -> None:
    said = [json.loads(ourvidz(f"export-routing --out {COMMITTED} --json").stdout) for _ in range(2)]
    assert said == [{"path": COMMITTED, "state": state} for state in ("written", "fresh")]
    (folder / COMMITTED).write_text("stale\n")
    run = ourvidz("export-routing --check --json")
    assert (run.status, json.loads(run.stderr)["error"]["code"]) == (1, "generated_file_stale")
    report = json.loads(run.stdout)
    assert report["state"] == "stale"
    assert report["diff"].startswith(f"--- {COMMITTED}")
    assert ourvidz("export-routing --json").status == 2


def test_a_stale_file_fails_the_check_with_a_diff_and_the_command_that_mends_it(
    ourvidz: CommandLine, folder: Path
) -> None:
    ourvidz(f"export-routing --out {COMMITTED}")
    spec = folder / "jobtypes" / "video_high.yaml"
    spec.write_text(spec.read_text().replace("expected_time: 280s", "expected_time: 300s"))
    run = ourvidz("export-routing --check")
    assert run.status == 1
    assert '-  "video_high": 280,\n+  "video_high": 300,\n' in run.stdout
    assert run.stderr == (
        f"error: {COMMITTED} is not what the job types say; run: ourvidz export-routing --out {COMMITTED}\n"
    )
    assert ourvidz(run.remedy).status == 0
    assert ourvidz("export-routing --check").status == 0


def test_a_missing_file_fails_the_check(ourvidz: CommandLine, folder: Path) -> None:
    run = ourvidz("export-routing --check")
    assert run.status == 1
    assert run.stdout.startswith(f"--- /dev/null\n+++ {COMMITTED}\n")
    assert f"{COMMITTED} does not exist; run: ourvidz export-routing --out {COMMITTED}" in run.stderr
    assert not (folder / COMMITTED).exists()


def test_the_command_that_mends_says_where_the_job_types_and_the_file_are(
    ourvidz: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _work_in(folder / "elsewhere", monkeypatch)
    check = "--jobtypes ../jobtypes export-routing --format json --out 'my tables.json' --check"
    run = ourvidz(check)
    assert run.status == 1
    assert ourvidz(run.remedy).status == 0
    assert (folder / "elsewhere" / "my tables.json").exists()
    assert ourvidz(check).status == 0


def test_the_committed_file_is_that_of_the_settings_folder(
    ourvidz: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ourvidz.yaml").write_text("on_failure: fail\n")
    place = "--config ../ourvidz.yaml --jobtypes ../jobtypes"
    _work_in(folder / "elsewhere", monkeypatch)
    run = ourvidz(f"export-routing {place} --check")
    assert ourvidz(run.remedy).status == 0
    assert (folder / COMMITTED).exists()


def test_a_format_that_is_not_committed_cannot_be_checked_without_a_file(ourvidz: CommandLine) -> None:
    run = ourvidz("export-routing --format json --check")
    assert run.status == 2
    assert f"--check of json needs --out FILE; {COMMITTED} holds ts" in run.stderr


def test_the_exporter_of_a_plugin_becomes_a_command(ourvidz: CommandLine, folder: Path) -> None:
    (folder / "plugins").mkdir()
    (folder / "plugins" / "count.py").write_text(EXPORTER)
    place = "--plugin-dir plugins"
    assert ourvidz(f"{place} export-count").stdout == "8 job types\n"
    assert "Count them." in ourvidz(f"{place} --help").stdout
    assert ourvidz(ourvidz(f"{place} export-count --check").remedy).status == 0
    assert (folder / "count.txt").read_text() == "8 job types\n"


def test_help_names_the_built_in_exporters_without_loading_them(project: Project) -> None:
    exporters = project.plugins.exporters().values()
    assert {f"export-{one.name}": one.description for one in exporters} == EXPORTS


def test_the_committed_module_is_what_the_repositorys_job_types_say(
    ourvidz: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    run = ourvidz("export-routing --check")
    assert (run.status, run.stdout) == (0, f"{COMMITTED} is fresh\n")


def _work_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    monkeypatch.chdir(folder)
