"""Generated files: written in one step, and told apart to the byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ourvidz.deploy.generated import GeneratedFile, GeneratedFileStale, PathUnusable


@pytest.fixture
def file(tmp_path: Path) -> GeneratedFile:
    return GeneratedFile(path=tmp_path / "shared" / "tables.ts", text="one\ntwo\n", command="make tables")


def test_a_missing_file_is_written_with_its_folders(file: GeneratedFile) -> None:
    assert file.write()
    assert file.path.read_bytes() == b"one\ntwo\n"
    assert [path.name for path in file.path.parent.iterdir()] == ["tables.ts"]


def test_a_fresh_file_is_left_alone(file: GeneratedFile) -> None:
    file.write()
    file.path.parent.chmod(0o500)
    before = file.path.stat()
    assert not file.write()
    assert file.path.stat() == before
    assert file.diff() == ""
    file.check()


def test_a_changed_file_is_replaced_and_a_link_to_it_stays(file: GeneratedFile, tmp_path: Path) -> None:
    real = tmp_path / "real.ts"
    real.write_text("old\n")
    file.path.parent.mkdir()
    file.path.symlink_to(real)
    assert file.write()
    assert file.path.is_symlink()
    assert real.read_text() == "one\ntwo\n"


def test_a_missing_file_is_drift(file: GeneratedFile) -> None:
    with pytest.raises(GeneratedFileStale, match=r"tables\.ts does not exist; run: make tables"):
        file.check()
    assert file.diff() == f"--- /dev/null\n+++ {file.path}\n@@ -0,0 +1,2 @@\n+one\n+two\n"


def test_a_file_that_differs_is_drift(file: GeneratedFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text("one\nthree\n")
    with pytest.raises(GeneratedFileStale, match="is not what the job types say; run: make tables"):
        file.check()
    assert file.diff() == f"--- {file.path}\n+++ {file.path}\n@@ -1,2 +1,2 @@\n one\n-three\n+two\n"


@pytest.mark.parametrize(
    ("found", "removed"),
    [
        (b"one\ntwo", ["-two", "\\ No newline at end of file"]),
        (b"one\r\ntwo\n", ["-one\r"]),
        (b"one\ntwo\n\n", ["-"]),
        (b"one\xff\ntwo\n", ["-one\\xff"]),
        ("one\u2028\ntwo\n".encode(), ["-one\u2028"]),
    ],
)
def test_the_diff_shows_what_hardly_shows(file: GeneratedFile, found: bytes, removed: list[str]) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(found)
    changes = file.diff().split("\n")[3:]
    assert [line for line in changes if line.startswith(("-", "\\"))] == removed


def test_an_empty_file_is_drift(file: GeneratedFile) -> None:
    file.path.parent.mkdir()
    file.path.touch()
    assert not file.is_fresh
    assert file.diff().endswith("+one\n+two\n")


def test_a_folder_in_the_files_place_is_an_error_that_names_it(file: GeneratedFile) -> None:
    file.path.mkdir(parents=True)
    with pytest.raises(PathUnusable, match=r"tables\.ts cannot be read: it is not a file"):
        file.write()


def test_a_file_in_a_folders_place_is_an_error_and_nothing_is_left_behind(
    file: GeneratedFile, tmp_path: Path
) -> None:
    file.path.parent.write_text("in the way")
    with pytest.raises(PathUnusable, match=r"tables\.ts cannot be"):
        file.write()
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_a_pipe_in_the_files_place_is_refused_without_waiting_for_it(file: GeneratedFile) -> None:
    file.path.parent.mkdir()
    os.mkfifo(file.path)
    with pytest.raises(PathUnusable, match="it is not a file"):
        file.check()
