"""``ourvidz validate``: one report for people or machines, and where it looked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine


def break_two(folder: Path) -> None:
    """Give two files a problem each."""
    for name, wrong in (("image_fast", "steps: 0"), ("video_fast", "steps: 1e3")):
        path = folder / "jobtypes" / f"{name}.yaml"
        text = path.read_text()
        line = next(one for one in text.splitlines() if one.startswith("steps:"))
        path.write_text(text.replace(line, wrong))


def test_sound_job_types_are_counted_and_their_folder_named(ourvidz: CommandLine) -> None:
    run = ourvidz("validate")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [
        "8 job types, no problem",
        "job types: jobtypes (the working folder has it)",
        "settings: the defaults",
    ]


def test_every_problem_of_every_file_is_printed(ourvidz: CommandLine, folder: Path) -> None:
    break_two(folder)
    run = ourvidz("validate")
    assert run.status == 1
    first, second, count, *_ = run.stdout.splitlines()
    assert first == "jobtypes/image_fast.yaml:7:8: steps: found 0, expected a whole number from 1 to 1000"
    assert second.startswith("jobtypes/video_fast.yaml:8:8: steps: found 1e3, which some readers take for")
    assert count == "2 problems"


def test_json_has_the_problems_with_places_and_codes(ourvidz: CommandLine, folder: Path) -> None:
    break_two(folder)
    run = ourvidz("validate --json")
    report = json.loads(run.stdout)
    assert (run.status, report["valid"]) == (1, False)
    assert report["jobTypesFolder"] == {"path": "jobtypes", "because": "the working folder has it"}
    assert report["problems"][0] == {
        "file": "jobtypes/image_fast.yaml",
        "line": 7,
        "column": 8,
        "field": "steps",
        "found": "0",
        "expected": "a whole number from 1 to 1000",
        "code": "out_of_range",
    }


@pytest.mark.parametrize("command", ["--jobtypes other validate", "validate --jobtypes other"])
def test_the_folder_may_be_named_before_and_after_the_command(
    ourvidz: CommandLine, folder: Path, command: str
) -> None:
    (folder / "jobtypes").rename(folder / "other")
    assert "job types: other (--jobtypes names it)" in ourvidz(command).stdout


def test_a_named_folder_that_is_missing_is_one_clear_error(ourvidz: CommandLine) -> None:
    run = ourvidz("validate --jobtypes nowhere")
    assert run.status == 4
    assert run.stderr.startswith("error: nowhere: found no folder, expected one with job types")


def test_problems_of_settings_and_job_types_come_together(ourvidz: CommandLine, folder: Path) -> None:
    break_two(folder)
    (folder / "ourvidz.yaml").write_text("queue: {}\n")
    problems = json.loads(ourvidz("validate --json").stdout)["problems"]
    assert [one["file"] for one in problems] == [
        "jobtypes/image_fast.yaml",
        "jobtypes/video_fast.yaml",
        "ourvidz.yaml",
    ]
