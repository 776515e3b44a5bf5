"""What `ourvidz calibrate` proposes of jobs that a worker has really made, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ourvidz.cli import calibrate
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.cli.conftest import CommandLine
from tests.site import JOB_TYPE, SETTINGS, Site


@pytest.fixture
def folder(site: Site) -> Path:
    return site.root


@pytest.fixture(autouse=True)
def few_jobs_say_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "LEAST_JOBS", 2)


def make(site: Site, count: int, profile: str | None = None) -> None:
    with Client.open(site.project()) as client:
        for _ in range(count):
            client.submit("placeholder_fast", prompt="a red barn")
    with Worker(site.project(), "placeholder", profile=profile) as worker:
        worker.run(burst=True)


def read(ourvidz: CommandLine, options: str = "") -> Any:
    run = ourvidz(f"calibrate --json {options}")
    assert (run.status, run.stderr) == (0, "")
    [one] = json.loads(run.stdout)
    return one


@pytest.mark.parametrize(
    ("seconds", "rounded"),
    [(0.0, 0.1), (0.04, 0.1), (0.11, 0.2), (3.6, 3.6), (3.61, 3.7), (67.2, 68), (283, 290)],
)
def test_a_time_is_rounded_up_to_two_digits(seconds: float, rounded: float) -> None:
    assert calibrate.round_up(seconds) == rounded


def test_what_was_measured_is_proposed_and_written_where_it_stands(ourvidz: CommandLine, site: Site) -> None:
    commented = JOB_TYPE.replace("expected_time: 1s", "expected_time: 60s  # a guess")
    site.spec("placeholder_fast", f"# Barns.\n{commented}")
    make(site, 2)
    proposal = read(ourvidz)
    assert (proposal["jobs"], proposal["expectedTime"], proposal["written"]) == (2, 60.0, False)
    assert proposal["p95"] <= proposal["proposed"] < 60
    assert "write 1 of them with --write" in ourvidz("calibrate").stdout

    assert read(ourvidz, "--write")["written"] is True
    time = f"{proposal['proposed']:g}s"
    text = (site.root / "jobtypes/placeholder_fast.yaml").read_text()
    assert text == f"# Barns.\n{commented}".replace("60s", time)
    assert site.project().catalog["placeholder_fast"].expected_time == proposal["proposed"]
    assert "as it is" in ourvidz("calibrate --write").stdout


def test_too_few_jobs_and_smaller_ones_prove_nothing(ourvidz: CommandLine, site: Site) -> None:
    (site.root / "ourvidz.yaml").write_text(f"{SETTINGS}profiles:\n  small: {{steps: 0.5}}\n")
    make(site, 1)
    make(site, 3, profile="small")
    assert (read(ourvidz)["jobs"], read(ourvidz)["proposed"]) == (1, None)
    before = (site.root / "jobtypes/placeholder_fast.yaml").read_text()
    assert "needs 2 jobs" in ourvidz("calibrate --write").stdout
    assert (site.root / "jobtypes/placeholder_fast.yaml").read_text() == before
