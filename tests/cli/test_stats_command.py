"""What `ourvidz stats` says of jobs that a worker has really made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ourvidz.jobs.states import Failure
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.cli.conftest import CommandLine
from tests.site import Site


@pytest.fixture
def folder(site: Site) -> Path:
    return site.root


@pytest.fixture
def three_jobs(site: Site) -> None:
    """Two were made, and one failed."""
    with Client.open(site.project()) as client:
        for _ in range(3):
            client.submit("placeholder_fast", prompt="a red barn")
        claim = client.queue.claim(["placeholder_queue"], worker="w", lease_seconds=60, nonce="n")
        assert claim is not None
        client.queue.fail(claim.lease, Failure(code="output_black", message="all pixels are black"))
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)


def read(ourvidz: CommandLine, options: str = "") -> Any:
    run = ourvidz(f"stats --json {options}")
    assert (run.status, run.stderr) == (0, "")
    return json.loads(run.stdout)


@pytest.mark.usefixtures("three_jobs")
class TestStats:
    def test_machines_read_what_was_measured_and_what_was_promised(self, ourvidz: CommandLine) -> None:
        said = read(ourvidz)
        [found] = said["jobTypes"]
        assert (found["jobType"], found["completed"], found["failed"]) == ("placeholder_fast", 2, 1)
        assert (found["errors"], found["errorRateKept"]) == ({"output_black": 1}, False)
        assert found["errorRate"] == pytest.approx(1 / 3)
        assert (found["expectedTime"], found["expectedTimeKept"]) == (1.0, True)
        assert list(found["seconds"]) == ["wait", "load", "generate", "check", "encode", "store", "run"]
        run = found["seconds"]["run"]
        assert (run["jobs"], run["p50"] <= run["p95"] <= run["p99"]) == (2, True)
        assert found["completedAnHour"] == pytest.approx(2 / 24, abs=0.01)
        assert (said["complete"], said["uptime"]) == (True, None)
        assert said["until"] - said["since"] == pytest.approx(86400)

    def test_people_read_tables_and_what_is_not_measured(self, ourvidz: CommandLine) -> None:
        lines = ourvidz("stats").stdout.splitlines()
        assert lines[1].split() == [
            *("placeholder_fast", "2", "1", "0", "0", "33.3%", "0.1", "1s", "too", "many", "errors")
        ]
        assert lines[2] == "placeholder_fast failed with output_black 1"
        assert [line.split()[1:3] for line in lines[5:12]][-1] == ["run", "2"]
        assert lines[-1].startswith("uptime is not measured")

    def test_what_is_left_out_is_said(self, ourvidz: CommandLine) -> None:
        assert "only the newest 1 jobs were looked at" in ourvidz("stats --limit 1").stdout
        said = read(ourvidz, "--limit 1")
        assert said["complete"] is False
        assert sum(one["completed"] + one["failed"] for one in said["jobTypes"]) == 1

    def test_what_ended_earlier_does_not_count(self, ourvidz: CommandLine) -> None:
        assert read(ourvidz, "--since 0.001ms")["jobTypes"] == []


class TestNothing:
    def test_a_queue_without_ended_jobs_has_nothing_to_tell(self, ourvidz: CommandLine) -> None:
        assert ourvidz("stats").stdout.startswith("no job has ended\n")

    @pytest.mark.parametrize("since", ["yesterday", "0s", "9000h"])
    def test_a_time_that_nobody_knows_anything_about_is_refused(
        self, ourvidz: CommandLine, since: str
    ) -> None:
        run = ourvidz(f"stats --since {since}")
        assert run.status == 2
        assert f"found '{since}'" in run.stderr
        assert "expected" in run.stderr
