"""The reference says what the code says, and no document points to what is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_LINK = re.compile(r"\[[^\]]*\]\(([^)#]*)#?([^)]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_generated_part_is_fresh() -> None:
    done = _generate(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_is_told_with_its_difference_and_the_command_that_mends_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    page = tmp_path / "docs/reference/errors.md"
    fresh = page.read_text()
    page.write_text(fresh.replace("The queue knows no job of this id.", "Something else."))
    told = _generate(tmp_path, "--check")
    assert told.returncode == 1
    assert "-| `job_not_found` | Something else." in told.stdout
    assert told.stderr == "docs/reference/errors.md is stale; run: make generate\n"
    assert _generate(tmp_path).stdout == "docs/reference/errors.md is written\n"
    assert page.read_text() == fresh


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in _LINK.findall(document.read_text()):
        path = (document.parent / target).resolve() if target else document
        assert path.is_file(), f"{document.name}: {target}"
        if anchor:
            assert anchor in [_anchor(text) for text in _HEADING.findall(path.read_text())], anchor


@pytest.mark.parametrize(("page", "fields"), [("job-types", JobType), ("settings", Settings)])
def test_every_field_has_an_example(page: str, fields: type[JobType | Settings]) -> None:
    examples = "\n".join(_EXAMPLE.findall((ROOT / f"docs/reference/{page}.md").read_text()))
    keys = set(re.findall(r"^(\w+):", examples, re.MULTILINE))
    assert set(fields.model_fields) - keys - {"id"} == set()


def _generate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docs.generate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _anchor(heading: str) -> str:
    """A heading's anchor, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
