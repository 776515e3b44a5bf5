"""``ourvidz bench``, as it is typed."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.cli.conftest import site
from tests.site import JOB_TYPE, SETTINGS, Site

__all__ = ["site"]


def bench(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    return site.ourvidz("bench", *arguments)


def test_people_get_a_table_and_what_it_depends_on(site: Site) -> None:
    done = bench(site, "--jobtype", "placeholder_fast", "--runs", "1")
    assert (done.returncode, done.stderr) == (0, ""), "a pipe was shown progress"
    header, row, _, conditions = done.stdout.splitlines()
    assert header.split("  ")[0] == "job type"
    assert {"made", "load", "encode", "store", "total", "peak memory"} <= {
        one.strip() for one in header.split("  ")
    }
    assert row.startswith("placeholder_fast  64x48, 4 steps  ")
    assert conditions.split() == ["placeholder", "none"]


def test_machines_get_every_number(site: Site) -> None:
    done = bench(site, "--jobtype", "placeholder_fast", "--runs", "2", "--images", "3", "--json")
    (measured,) = json.loads(done.stdout)["measurements"]
    assert [run["seed"] for run in measured["runs"]] == [3, 6]
    assert measured["items"] == 3
    assert set(measured["medians"]) == set(measured["runs"][0]["seconds"])


def test_what_was_asked_for_is_told_in_that_order(site: Site) -> None:
    settings = SETTINGS + "models:\n  other: {family: placeholder, location: none}\n"
    (site.root / "ourvidz.yaml").write_text(settings)
    site.spec("slow", JOB_TYPE.replace("placeholder_fast", "slow"))
    site.spec("other", JOB_TYPE.replace("placeholder_fast", "other") + "model: other\n")
    asked = ["placeholder_fast", "other", "slow"]
    named = [word for one in asked for word in ("--jobtype", one)]
    done = bench(site, *named, "--runs", "1", "--json")
    assert [one["job_type"] for one in json.loads(done.stdout)["measurements"]] == asked


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--jobtype", "placeholder_slow"], 4, "did you mean placeholder_fast?"),
        (["--jobtype", "placeholder_fast", "--weights", "random"], 4, "these families do: sdxl, wan"),
        (["--jobtype", "placeholder_fast", "--profile", "demo"], 4, "no profile 'demo'"),
        (["--jobtype", "placeholder_fast", "--device", "gpu"], 2, "expected cuda, cuda:1, mps or cpu"),
        (["--jobtype", "placeholder_fast", "--weights", "nowhere"], 3, "there is nothing to load"),
        ([], 2, "Missing option '--jobtype'"),
    ],
)
def test_what_cannot_be_measured_is_told(site: Site, arguments: list[str], status: int, says: str) -> None:
    done = bench(site, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr


def test_what_was_measured_before_a_failure_is_not_lost(site: Site) -> None:
    (site.root / "ourvidz.yaml").write_text(SETTINGS + "buckets:\n  tiny: {max_size: 1KB}\n")
    site.spec("hopeless", JOB_TYPE.replace("placeholder_fast", "tiny"))
    done = bench(site, "--jobtype", "placeholder_fast", "--jobtype", "hopeless", "--json")
    assert done.returncode == 1
    assert [one["job_type"] for one in json.loads(done.stdout)["measurements"]] == ["placeholder_fast"]
    assert json.loads(done.stderr)["error"]["code"] == "storage_refused"
