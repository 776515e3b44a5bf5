"""``ourvidz jobtypes``: list, show, schema, new."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine


def test_the_list_is_a_table(ourvidz: CommandLine) -> None:
    header, *rows = ourvidz("jobtypes list").stdout.splitlines()
    assert header.split()[:4] == ["id", "worker", "makes", "resolution"]
    assert len(rows) == 8
    assert ["video_fast", "WAN", "video", "480x832", "5s"] in [row.split()[:5] for row in rows]


def test_the_list_as_json_has_the_specs(ourvidz: CommandLine) -> None:
    listed = {one["id"]: one for one in json.loads(ourvidz("jobtypes list --json").stdout)}
    assert listed["sdxl_image_fast"]["expected_time"] == "5s"
    assert listed["sdxl_image_fast"]["params"]["steps"] == {"min": 5.0, "max": 25.0, "choices": []}


def test_one_is_shown_with_defaults_and_what_it_refers_to(ourvidz: CommandLine) -> None:
    shown = json.loads(ourvidz("jobtypes show sdxl_image_fast --json").stdout)
    assert shown["batch"] == [1, 3, 6]
    assert shown["timeout"] == "120s"
    assert shown["queue"]["polling_interval"] == "2s"
    assert shown["storage_bucket"]["max_size"] == "20MB"
    assert shown["storage_bucket"]["file_types"] == ["image/png", "image/webp"]
    assert "resolution: 1024x1024" in ourvidz("jobtypes show sdxl_image_fast").stdout.splitlines()


def test_an_unknown_one_is_not_found_and_the_nearest_offered(ourvidz: CommandLine) -> None:
    run = ourvidz("jobtypes show sdxl_image_fats")
    assert run.status == 4
    assert "did you mean sdxl_image_fast?" in run.stderr


def test_schemas_are_printed(ourvidz: CommandLine) -> None:
    assert "JobType" in json.loads(ourvidz("jobtypes schema").stdout)["$defs"]
    assert "models" in json.loads(ourvidz("jobtypes schema --settings").stdout)["properties"]


@pytest.mark.parametrize(
    "options", ["", "--worker wan", "--content-type video", "--worker WAN --content-type video"]
)
def test_a_new_job_type_passes_validation_as_it_is(ourvidz: CommandLine, folder: Path, options: str) -> None:
    run = ourvidz(f"jobtypes new harbour_view {options}")
    assert (run.status, run.stdout) == (0, "jobtypes/harbour_view.yaml is written\n")
    assert ourvidz("validate").stdout.startswith("9 job types, no problem\n")
    assert (folder / "jobtypes/harbour_view.yaml").read_text().startswith("# yaml-language-server: $schema=")


def test_a_new_job_type_is_told_as_json(ourvidz: CommandLine) -> None:
    run = ourvidz("jobtypes new harbour_view --json")
    assert json.loads(run.stdout) == {
        "id": "harbour_view",
        "path": "jobtypes/harbour_view.yaml",
        "isFirst": False,
    }


def test_the_first_job_type_comes_with_its_folder_and_schema(ourvidz: CommandLine, folder: Path) -> None:
    shutil.rmtree(folder / "jobtypes")
    run = ourvidz("jobtypes new harbour_view")
    assert "jobtypes is new" in run.stdout
    assert sorted(path.name for path in (folder / "jobtypes").iterdir()) == [
        "harbour_view.yaml",
        "job-type.schema.json",
    ]
    assert ourvidz("validate").status == 0


def test_nothing_is_written_over(ourvidz: CommandLine, folder: Path) -> None:
    before = (folder / "jobtypes/image_fast.yaml").read_text()
    run = ourvidz("jobtypes new image_fast")
    assert (run.status, (folder / "jobtypes/image_fast.yaml").read_text()) == (1, before)
    assert "jobtypes/image_fast.yaml exists" in run.stderr


def test_an_id_that_another_file_declares_is_not_given_twice(ourvidz: CommandLine, folder: Path) -> None:
    several = "".join(
        f"{name}:\n  " + (folder / f"jobtypes/{name}.yaml").read_text().replace("\n", "\n  ") + "\n"
        for name in ("image_fast", "image_high")
    )
    for name in ("image_fast", "image_high"):
        (folder / f"jobtypes/{name}.yaml").unlink()
    (folder / "jobtypes/backup.yaml").write_text(several)
    run = ourvidz("jobtypes new image_high")
    assert run.status == 1
    assert "jobtypes/backup.yaml:" in run.stderr


@pytest.mark.parametrize("arguments", ["Harbour", "harbour-view", "harbour --worker sdlx"])
def test_a_wrong_name_is_a_usage_error(ourvidz: CommandLine, arguments: str) -> None:
    assert ourvidz(f"jobtypes new {arguments}").status == 2
