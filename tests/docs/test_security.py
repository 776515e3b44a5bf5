"""SECURITY.md names every test that proves it, and nothing that is not proved."""

from __future__ import annotations

import re

from tests.docs.test_reference import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
MODULES = [path.stem for path in (ROOT / "tests/security").glob("test_*.py")]


def test_every_line_has_its_test_and_every_test_its_line() -> None:
    assert re.findall(r"\[`(test_\w+)`\]\(tests/security/\1\.py\)", TEXT) == re.findall(r"`(test_\w+)`", TEXT)
    assert sorted(re.findall(r"`(test_\w+)`", TEXT)) == sorted(MODULES)


def test_a_reader_finds_it_and_is_told_of_no_address() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text()
    assert not re.search(r"[\w.]+@[\w.]+", TEXT)
