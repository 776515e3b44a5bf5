"""Every job has an empty folder of its own, and none is left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ourvidz.runtime.job_folders import JobFolders


def leave_nothing(folder: Path) -> None:
    """As most jobs."""


def leave_a_file(folder: Path) -> None:
    (folder / "frame").write_text("kept")


def remove_it(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize("leave", [leave_nothing, leave_a_file, remove_it])
def test_whatever_a_job_leaves_the_next_one_finds_nothing(leave: Callable[[Path], None]) -> None:
    with closing(JobFolders()) as folders:
        used = []
        for _ in range(2):
            with folders.one() as folder:
                assert list(folder.iterdir()) == []
                leave(folder)
                used.append(folder)
            assert not (folder / "frame").exists()
    assert not any(folder.exists() for folder in used)


def test_a_folder_goes_also_when_its_job_fails() -> None:
    with closing(JobFolders()) as folders:
        with suppress(RuntimeError), folders.one() as folder:
            leave_a_file(folder)
            raise RuntimeError
        assert not folder.exists()
