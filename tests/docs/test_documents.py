"""What README, tutorial and how-to tell their readers to do works as they say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.documents import Command, File, steps
from tests.docs.follow import Reader

ROOT = Path(__file__).parents[2]

FOLLOWED = (
    "README.md",
    "docs/tutorial.md",
    *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs/how-to").glob("*.md")),
)

#: Not typed here: it would run this very test, or needs a package index.
NOT_TYPED = {"make test", 'pip install "ourvidz[sdxl]"'}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A fresh clone, except that the virtual environment is the one at hand."""
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
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return Reader(tmp_path)


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
