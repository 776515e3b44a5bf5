"""The table in docs/faults.md is that of a report that `make faults-long` wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.generate import faults
from tests.faults.judge import Verdict
from tests.faults.report import as_json, write
from tests.faults.row import Row


def row(name: str, *, loses: bool = False) -> Row:
    return Row(name=name, kind="redis", run=lambda _: None, loses=loses)


def verdict(*, lost: int = 0) -> Verdict:
    return Verdict(
        acknowledged=1200,
        completed=1199,
        failed=1,
        lost=tuple(map(str, range(lost))),
        twice=(),
        extra_starts=7,
        faults=12,
        recoveries=(1.0, 1.25, 3.5),
    )


def test_every_row_is_told_and_ours_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FOLDER", tmp_path)
    rows = [
        as_json(row("SIGKILL: claimed"), verdict(), 10.0),
        as_json(row("Redis is killed"), verdict(), 10.0),
        as_json(row("a plain RPOP loop", loses=True), verdict(lost=40), 10.0),
    ]
    write(tmp_path / "one.json", "long", rows)
    text = faults.parts()["faults"]
    assert "| SIGKILL: claimed | redis | 12 | 1,200 | 1 | **0** | **0** | 7 | 1.25 s | 3.50 s |\n" in text
    assert "| a plain RPOP loop | redis | 12 | 1,200 | 1 | **40** | **0** | 7 | never | never |\n" in text
    assert "| **altogether** | redis | 24 | 2,400 | 2 | **0** | **0** | 14 |  | 3.50 s |\n" in text


def test_without_a_report_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FOLDER", tmp_path)
    assert faults.parts() == {"faults": "Nothing was broken yet.\n"}


def test_a_row_that_is_run_again_takes_its_place(tmp_path: Path) -> None:
    first = [as_json(row(name), verdict(), 10.0) for name in ("one", "two")]
    write(tmp_path / "one.json", "long", [as_json(row("one"), verdict(lost=1), 10.0)], into=first)
    rows = json.loads((tmp_path / "one.json").read_text())["rows"]
    assert [(one["row"], one["lost"]) for one in rows] == [("one", 1), ("two", 0)]
