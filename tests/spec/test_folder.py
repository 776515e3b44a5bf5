"""A folder of files: which are read, what they may be called, and reading them again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ourvidz.spec.checks import build_catalog
from ourvidz.spec.loading import read_sources
from ourvidz.spec.problems import SpecInvalid
from tests.spec.conftest import FAMILIES, Write, build, only_problem, problems, spec


def block(id: str, **changed: str | None) -> str:
    return f"{id}:\n" + re.sub("^", "  ", spec(**changed).rstrip(), flags=re.MULTILINE) + "\n"


def test_the_files_name_is_the_id(write: Write) -> None:
    write("poster.yaml")
    assert list(build().job_types) == ["poster"]


def test_the_file_may_repeat_its_id(write: Write) -> None:
    write("poster.yaml", id="poster")
    assert list(build().job_types) == ["poster"]


def test_an_id_that_is_not_the_files_name_is_a_problem(write: Write) -> None:
    write("poster.yaml", id="card")
    problem = only_problem()
    assert (problem.line, problem.column, problem.code) == (10, 5, "id_mismatch")
    assert problem.expected == "poster, which is the name of the file"


@pytest.mark.parametrize("name", ["Poster", "poster-2", "2poster", "größe", "a" * 64])
def test_a_files_name_that_is_no_id_is_a_problem(write: Write, name: str) -> None:
    write(f"{name}.yaml")
    assert only_problem().code == "bad_name"
    assert only_problem().expected.startswith("a name of a-z, 0-9 and _")


def test_a_file_of_several_job_types_may_have_any_name(write: Write) -> None:
    write("Phase-1.yaml", block("poster") + block("card"))
    assert list(build().job_types) == ["card", "poster"]


def test_problems_of_a_block_say_where_it_stands(write: Write) -> None:
    write("all.yaml", block("poster") + block("card", steps="0"))
    assert str(only_problem()).startswith(
        "jobtypes/all.yaml:16:10: card.steps: found 0, expected a whole number"
    )


def test_a_single_block_must_be_called_like_its_file(write: Write) -> None:
    write("poster.yaml", block("poster"))
    assert list(build().job_types) == ["poster"]
    write("poster.yaml", block("card"))
    assert str(only_problem()).startswith(
        "jobtypes/poster.yaml:1:1: card: found a single job type of this name"
    )


def test_a_blocks_key_must_be_an_id(write: Write) -> None:
    write("all.yaml", block("poster") + block("Card-2"))
    problem = only_problem()
    assert (problem.line, problem.column, problem.field, problem.code) == (11, 1, "Card-2", "bad_name")


def test_two_files_with_one_id_are_both_named(write: Write) -> None:
    write("all.yaml", block("card") + block("poster"))
    write("poster.yaml")
    problem = only_problem()
    assert (problem.file, problem.line, problem.code) == ("jobtypes/poster.yaml", 1, "duplicate_id")
    assert "jobtypes/all.yaml:11:1" in problem.expected


def test_the_problems_of_all_files_are_in_one_report(write: Write) -> None:
    write("a.yaml", steps="0")
    write("b.yaml", b"\xff")
    write("c.yaml", worker="PIANT")
    write("ourvidz.yaml", "models: 5\n")
    found = problems(Path("jobtypes/ourvidz.yaml"))
    assert {problem.file for problem in found} >= {"jobtypes/a.yaml", "jobtypes/b.yaml", "jobtypes/c.yaml"}


def test_the_ending_yml_is_a_problem_and_not_overlooked(write: Write) -> None:
    write("poster.yaml")
    write("card.yml")
    assert (only_problem().file, only_problem().code) == ("jobtypes/card.yml", "file_ending")


def test_other_files_and_hidden_ones_are_left_alone(write: Write) -> None:
    write("poster.yaml")
    write("README.md", "text")
    write(".poster.yaml", "half written")
    assert list(build().job_types) == ["poster"]


@pytest.mark.usefixtures("folder")
def test_a_folder_without_job_types_is_a_problem() -> None:
    assert only_problem().code == "no_job_types"


def test_reading_again_gives_the_same_object_until_a_file_changes(write: Write, folder: Path) -> None:
    path = write("poster.yaml")
    write("card.yaml")
    first = read_sources(folder, None)
    assert read_sources(folder, None, first) is first
    path.write_text(spec(steps="30"))
    second = read_sources(folder, None, first)
    assert second.files["card.yaml"] is first.files["card.yaml"]
    assert {one.id: one.job_type.steps for one in second.declarations if one.job_type} == {
        "card": 15,
        "poster": 30,
    }
    path.unlink()
    assert list(read_sources(folder, None, second).files) == ["card.yaml"]


def test_a_file_that_was_replaced_at_the_same_size_and_time_is_read_again(write: Write, folder: Path) -> None:
    path = write("poster.yaml", steps="10")
    first = read_sources(folder, None)
    other = path.with_suffix(".new")
    other.write_text(spec(steps="20"))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert read_sources(folder, None, first) is not first


def test_a_folder_that_is_gone_while_files_are_read_again_is_a_problem(write: Write, folder: Path) -> None:
    write("poster.yaml")
    first = read_sources(folder, None)
    folder.rename("elsewhere")
    with pytest.raises(SpecInvalid) as caught:
        build_catalog(read_sources(folder, None, first), FAMILIES)
    assert str(caught.value) == (
        "jobtypes:1:1: found No such file or directory, expected a folder that can be read"
    )
    assert [problem.code for problem in caught.value.problems] == ["unreadable"]
    Path("elsewhere").rename(folder)
    assert read_sources(folder, None, first) is first


def test_a_folder_that_was_gone_at_the_last_look_is_read_anew(write: Write, folder: Path) -> None:
    write("poster.yaml")
    folder.rename("elsewhere")
    gone = read_sources(folder, None)
    assert read_sources(folder, None, gone) is gone
    folder.mkdir()
    assert [one.code for one in read_sources(folder, None, gone).problems] == []


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(write: Write, folder: Path) -> None:
    write("poster.yaml")
    (folder / "card.yaml").symlink_to("nowhere")
    assert (only_problem().file, only_problem().code) == ("jobtypes/card.yaml", "unreadable")
