"""What README, tutorial, how-to and examples tell their readers to do works as they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import Command, File, steps
from tests.docs.follow import Reader

ROOT = Path(__file__).parents[2]

FOLLOWED = (
    "README.md",
    "docs/tutorial.md",
    *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs/how-to").glob("*.md")),
    "docs/reference/job-types.md",
    "docs/reference/python.md",
    "docs/reference/settings.md",
)

#: Not typed here: it would run this very test, needs a package index, or takes minutes; of the gallery
#: `tests/training/test_shipped_sdxl.py` paints a part.
NOT_TYPED = {"make test", 'pip install "ourvidz[sdxl]"', "make gallery"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A fresh clone that is set up, except that its virtual environment is the one at hand."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    # The environment at hand is the original's: make must never think that it has to be set up anew.
    assert (ROOT / ".venv/bin/.running").exists(), "run `make setup` first"
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt"):
        os.utime(tmp_path / name, (0, 0))
    _set_up(tmp_path)
    reader = Reader(tmp_path)
    yield reader
    reader.leave()


def _set_up(folder: Path) -> None:
    """What `make setup` would leave behind; so nothing is installed into the environment at hand."""
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for command in Path(sys.executable).parent.iterdir():
        (commands / command.name).symlink_to(command)
    for mark in (".running", ".developing"):
        (commands / mark).unlink(missing_ok=True)
        (commands / mark).touch()


@pytest.mark.parametrize("document", FOLLOWED)
def test_a_reader_who_follows_it_gets_what_it_says(document: str, reader: Reader) -> None:
    done = 0
    for step in steps(ROOT / document):
        if isinstance(step, File):
            reader.write(step)
        elif isinstance(step, Command) and step.text not in NOT_TYPED:
            reader.type(step)
            done += 1
    assert done, f"{document} has no command to type"
