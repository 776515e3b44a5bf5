"""What CI does not let pass: a test that did not run, and a machine that lacks what tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site import REPOSITORY

SKIPPED = """\
import pytest

def test_by_a_test():
    pytest.skip("no server")

@pytest.mark.skip(reason="no server")
def test_by_a_mark():
    pass

def test_by_an_import():
    pytest.importorskip("no_such_module")
"""


@pytest.mark.parametrize(
    ("skips", "status", "counted"), [("fail", 1, "2 failed, 1 error"), ("", 0, "3 skipped")]
)
def test_a_skipped_test_fails_where_skips_do_and_says_why(
    tmp_path: Path, skips: str, status: int, counted: str
) -> None:
    shutil.copy(REPOSITORY / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_one.py").write_text(SKIPPED)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra", tmp_path],
        cwd=tmp_path,
        env=os.environ | {"SKIPS": skips},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, counted in run.stdout) == (status, True), run.stdout
    assert run.stdout.count("no server") >= 2


def test_what_is_missing_is_named_where_it_cannot_be_installed(tmp_path: Path) -> None:
    """A machine with a shell, and nothing else that tests need."""
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    run = subprocess.run(
        [REPOSITORY / ".ci" / "run"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith("missing: make curl nodejs npm chromium openssl")
    assert "redis-server" in run.stderr
