"""``ourvidz up``: real workers that end, hang on, and are left alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ourvidz.runtime.client import Client
from tests.site import JOB_TYPE, REPOSITORY, Site, site, until

__all__ = ["site"]

SETTINGS = f"""\
plugins: ["{REPOSITORY / "plugins"}"]
up: {{first_wait: 20ms, longest_wait: 50ms, ends: 3, loading: 20s, patience: 50ms}}
workers:
  placeholder:
    lease: 1s
"""


class Up:
    """A running ``ourvidz up --json``, and what it has said so far."""

    def __init__(self, site: Site, *options: str) -> None:
        self.process = site.start("up", "--json", *options, stderr=subprocess.PIPE)
        self.said: list[dict[str, Any]] = []

    def hear(self, event: str) -> dict[str, Any]:
        """The next one of this kind."""
        while self.hear_one()["event"] != event:
            pass
        return self.said[-1]

    def hear_one(self) -> dict[str, Any]:
        """Whatever comes next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it has ended, and said only {self.said}"
        self.said.append(json.loads(line))
        return self.said[-1]

    def end(self) -> tuple[int, str]:
        """Hear it to its end: its exit status and what stands on standard error."""
        stdout, stderr = self.process.communicate()
        self.said += map(json.loads, stdout.splitlines())
        return self.process.returncode, stderr

    def events(self) -> list[str]:
        return [one["event"] for one in self.said]


@pytest.fixture(autouse=True)
def _settings(site: Site) -> None:
    settings(site, "")


@pytest.fixture
def client(site: Site, _settings: None) -> Iterator[Client]:
    with Client.open(site.project()) as client:
        yield client


def submit(client: Client, *, step_time: float) -> str:
    return client.submit("placeholder_fast", prompt="a barn", params={"step_time": step_time})


def program(site: Site, text: str) -> Path:
    path = site.root / "interpreter"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def settings(site: Site, text: str, **changed: str) -> None:
    """Write the usual ourvidz.yaml with other values of ``up``, and this."""
    usual = SETTINGS
    for name, value in changed.items():
        usual, found = re.subn(rf"\b{name}: [^,}}]+", f"{name}: {value}", usual)
        assert found == 1
    (site.root / "ourvidz.yaml").write_text(usual + text)


def family_of(pid: int) -> set[int]:
    """A process and all processes that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pid}.union(*(family_of(int(child)) for child in children))


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_killed_worker_is_started_again_and_makes_its_job(site: Site, client: Client) -> None:
    job = submit(client, step_time=0.05)
    up = Up(site)
    pid = up.hear("worker_started")["pid"]
    assert up.hear("job_started")["jobId"] == job
    os.kill(pid, signal.SIGKILL)
    assert up.hear("worker_ended")["signal"] == "SIGKILL"
    assert up.hear("worker_waits")["seconds"] <= 0.05
    assert up.hear("worker_started")["pid"] != pid
    up.hear("ready")
    assert up.hear("job_completed")["jobId"] == job
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0
    assert client.status(job).status == "completed"


def test_a_crash_loop_is_told_and_not_repeated_for_ever(site: Site) -> None:
    program(site, "echo I am tired >&2\nexit 0")
    settings(site, "    python: interpreter\n")
    up = Up(site)
    status, errors = up.end()
    assert (status, json.loads(errors)["error"]["code"]) == (1, "workers_broken")
    assert [one["status"] for one in up.said if one["event"] == "worker_ended"] == [0, 0, 0]
    assert (up.said[-1]["event"], up.said[-1]["last"]) == ("worker_broken", "I am tired")


def test_every_worker_has_its_own_interpreter_and_environment_and_others_go_on_beside_a_broken_one(
    site: Site,
) -> None:
    program(site, f'echo "$PAINT" > paint\nexec {sys.executable} "$@"')
    settings(site, "    env: {PAINT: oil}\n    python: interpreter\n  sdxl: {python: /bin/false}\n")
    up = Up(site)
    while not {"worker_broken", "ready"} <= set(up.events()):
        up.hear_one()
    assert {one["worker"] for one in up.said if one["event"] == "worker_broken"} == {"sdxl"}
    up.process.send_signal(signal.SIGINT)
    assert up.end()[0] == 0
    assert (site.root / "paint").read_text() == "oil\n"


def test_a_stop_lets_the_running_job_end_and_takes_no_more(site: Site, client: Client) -> None:
    first, second = (submit(client, step_time=0.1) for _ in range(2))
    up = Up(site)
    up.hear("job_started")
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0
    assert [client.status(one).status for one in (first, second)] == ["completed", "queued"]


def test_a_second_stop_hands_the_job_back(site: Site, client: Client) -> None:
    job = submit(client, step_time=0.3)
    up = Up(site)
    up.hear("job_started")
    up.process.send_signal(signal.SIGTERM)
    up.hear("stopping")
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0
    assert client.status(job).status == "queued"


def test_what_runs_longer_than_the_grace_time_is_killed(site: Site, client: Client) -> None:
    submit(client, step_time=5)
    up = Up(site, "--grace", "100ms")
    up.hear("job_started")
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0
    assert up.events()[-2:] == ["worker_killed", "worker_ended"]


def test_no_process_outlives_a_supervisor_that_is_killed(site: Site, client: Client) -> None:
    submit(client, step_time=5)
    up = Up(site)
    worker = up.hear("worker_started")["pid"]
    up.hear("job_started")
    family = family_of(up.process.pid)
    assert len(family) >= 3, "the supervisor, the worker and its heartbeat"
    # Not even one that can do nothing by itself.
    os.kill(worker, signal.SIGSTOP)
    up.process.kill()
    until(lambda: not any(map(is_alive, family)), seconds=10)


def test_a_worker_that_starts_too_late_to_end_with_its_parent_does_not_start(site: Site) -> None:
    late = site.ourvidz("run-worker", "--plugin", "placeholder", "--with-parent", "1")
    assert late.returncode == 3
    assert f"found {os.getpid()} as the parent process, expected 1" in late.stderr


def test_whoever_nobody_reads_any_more_stops(site: Site, client: Client) -> None:
    job = submit(client, step_time=0.05)
    up = Up(site)
    up.hear("job_started")
    assert up.process.stdout is not None
    up.process.stdout.close()
    up.process.stdout = None
    _, errors = up.process.communicate()
    assert up.process.returncode == 0
    assert "ourvidz up stops after the running job" in errors
    assert client.status(job).status == "completed"


def test_an_interpreter_that_is_not_there_is_told_before_anything_starts(site: Site) -> None:
    settings(site, "    python: envs/wan/bin/python\n")
    up = Up(site)
    status, errors = up.end()
    error = json.loads(errors)["error"]
    assert (status, error["code"], up.said) == (3, "interpreter_missing", [])
    assert (
        f"workers.placeholder.python: found no program at {site.root}/envs/wan/bin/python" in error["message"]
    )


def test_a_worker_that_hangs_is_killed_and_its_job_runs_again(site: Site, client: Client) -> None:
    site.spec("placeholder_fast", JOB_TYPE + "timeout: 1s\n")
    job = submit(client, step_time=0.05)
    up = Up(site)
    worker = up.hear("worker_started")["pid"]
    up.hear("job_started")
    os.kill(worker, signal.SIGSTOP)
    hangs = up.hear("worker_hangs")
    assert (hangs["pid"], hangs["doing"], hangs["seconds"], hangs["jobId"]) == (worker, "working", 1.0, job)
    assert up.hear("worker_killed")["why"] == "it hangs"
    assert up.hear("job_completed")["jobId"] == job
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0


def test_a_worker_that_never_comes_up_is_killed(site: Site) -> None:
    program(site, "trap '' TERM\nwhile true; do sleep 60; done")
    settings(site, "    python: interpreter\n", loading="200ms", ends="1")
    up = Up(site)
    assert up.end()[0] == 1
    events = ["worker_started", "worker_hangs", "worker_killed", "worker_ended", "worker_broken"]
    assert [one for one in up.events() if one != "log"] == events


def test_another_terminal_sees_the_workers_and_starts_no_second_ones(site: Site, client: Client) -> None:
    assert "expected an ourvidz up that runs in" in site.ourvidz("ps").stderr
    job = submit(client, step_time=0.5)
    up = Up(site)
    worker = up.hear("worker_started")["pid"]
    up.hear("job_started")
    (one,) = json.loads(site.ourvidz("ps", "--json").stdout)["workers"]
    assert (one["worker"], one["pid"], one["state"], one["restarts"]) == ("placeholder", worker, "working", 0)
    assert (one["job"]["id"], one["job"]["type"], one["job"]["attempt"]) == (job, "placeholder_fast", 1)
    assert (site.root / "data/up.sock").stat().st_mode & 0o777 == 0o600
    second = site.ourvidz("up", "--json")
    assert (second.returncode, json.loads(second.stderr)["error"]["code"]) == (3, "already_up")
    up.hear("job_completed")
    table = site.ourvidz("ps").stdout.splitlines()
    assert table[0].split() == ["worker", "state", "pid", "up", "restarts", "completed", "job", "step"]
    assert table[1].split()[:3] == ["placeholder", "ready", str(worker)]


def test_a_reload_goes_by_the_new_settings_and_loses_no_job(site: Site, client: Client) -> None:
    job = submit(client, step_time=0.2)
    program(site, f'echo "$PAINT" > paint\nexec {sys.executable} "$@"')
    up = Up(site)
    up.hear("job_started")
    settings(site, "    devize: cpu\n")
    refused = site.ourvidz("reload")
    assert refused.returncode == 1
    assert "did you mean device?" in refused.stderr
    assert "nothing has changed" in refused.stderr
    settings(site, "    env: {PAINT: chalk}\n    python: interpreter\n")
    assert site.ourvidz("reload").stdout == "placeholder: started anew after the running job\n"
    assert up.hear("job_completed")["jobId"] == job
    up.hear("worker_started")
    up.hear("ready")
    assert (site.root / "paint").read_text() == "chalk\n"
    assert client.status(job).attempt == 1
    up.process.send_signal(signal.SIGTERM)
    assert up.end()[0] == 0
    assert "worker_waits" not in up.events()
