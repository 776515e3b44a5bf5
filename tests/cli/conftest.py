"""Runs command lines in a project of its own."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ourvidz.cli.main import main
from tests.site import REPOSITORY, forget_environment, site

__all__ = ["REPOSITORY", "site"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the job types of the repository."""
    shutil.copytree(REPOSITORY / "jobtypes", tmp_path / "jobtypes")
    return tmp_path


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one command."""

    status: object
    stdout: str
    stderr: str

    @property
    def remedy(self) -> str:
        """The command that an error message ends in, without the program's name."""
        program, remedy = self.stderr.split("; run: ")[1].split(" ", maxsplit=1)
        assert program == "ourvidz"
        return remedy


CommandLine = Callable[[str], Run]


@pytest.fixture
def ourvidz(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Runs a command line as a shell would, in the current folder: at first the project's."""
    monkeypatch.chdir(folder)
    forget_environment(monkeypatch)

    def run(command: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["ourvidz", *shlex.split(command)])
        with pytest.raises(SystemExit) as end:
            main()
        return Run(end.value.code, *capsys.readouterr())

    return run
