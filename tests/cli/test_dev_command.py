"""``ourvidz dev upstash`` as a process."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import CommandLine
from tests.site import Site, until

SERVE = ("dev", "upstash", "--port", "0")


@pytest.fixture
def site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    for variable in ("UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_REST_URL"):
        monkeypatch.delenv(variable, raising=False)
    return site


def served(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What ``--json`` says once it serves."""
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def command(url: str, token: str, *parts: str) -> Any:
    place = urlsplit(url)
    assert (place.hostname, place.scheme) == ("127.0.0.1", "http")
    with closing(http.client.HTTPConnection("127.0.0.1", place.port or 0, timeout=30)) as connection:
        connection.request("POST", "/", json.dumps(parts), {"Authorization": f"Bearer {token}"})
        return json.loads(connection.getresponse().read())


def is_open(url: str) -> bool:
    place = urlsplit(url)
    with socket.socket() as tried:
        return tried.connect_ex((place.hostname, place.port)) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_brings_a_redis_and_a_token_and_takes_both_away(site: Site, how: signal.Signals) -> None:
    process = site.start(*SERVE, "--json", stderr=subprocess.PIPE)
    said = served(process)
    assert said["event"] == "serving"
    assert command(said["url"], said["token"], "SET", "lamp", "lit") == {"result": "OK"}
    assert is_open(said["redis"])
    process.send_signal(how)
    printed, errors = process.communicate()
    assert (process.returncode, printed, errors) == (0, "", "")
    assert not is_open(said["url"])
    assert not is_open(said["redis"])


def test_its_redis_ends_with_it_however_it_ends(site: Site) -> None:
    process = site.start(*SERVE, "--json")
    redis = served(process)["redis"]
    process.kill()
    until(lambda: not is_open(redis))


def test_what_it_prints_can_be_pasted_into_a_shell(site: Site) -> None:
    process = site.start(*SERVE)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    exported = dict(
        one.removeprefix("export ").strip().split("=", 1) for one in lines if one[:7] == "export "
    )
    assert lines[-1] == "waiting for requests\n"
    assert exported["OURVIDZ_QUEUE_URL"] == exported["UPSTASH_REDIS_REST_URL"]
    pushed = site_run(site, exported, "submit", "placeholder_fast", "--prompt", "a barn", "--json")
    job_id = json.loads(pushed)["jobId"]
    told = json.loads(site_run(site, exported, "status", job_id, "--json"))
    assert told["status"] == "queued"
    process.terminate()
    assert process.wait() == 0


def test_a_token_of_the_environment_is_taken_and_not_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURVIDZ_QUEUE_TOKEN", "hunter2")
    process = site.start(*SERVE, "--json", stderr=subprocess.PIPE)
    said = served(process)
    assert said["token"] is None
    assert command(said["url"], "hunter2", "PING") == {"result": "PONG"}
    assert command(said["url"], "hunter3", "PING") == {"error": "WRONGPASS invalid or missing auth token"}
    process.terminate()
    printed, errors = process.communicate()
    assert "hunter2" not in json.dumps(said) + printed + errors


def test_a_redis_that_runs_is_used_and_left_running(site: Site) -> None:
    first = site.start(*SERVE, "--json")
    running = served(first)
    second = site.start(*SERVE, "--redis", running["redis"], "--json")
    said = served(second)
    assert command(said["url"], said["token"], "SET", "lamp", "lit") == {"result": "OK"}
    second.terminate()
    assert second.wait() == 0
    assert command(running["url"], running["token"], "GET", "lamp") == {"result": "lit"}


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ("--redis redis://:hunter2@127.0.0.1:1", 3, "redis://127.0.0.1:1/0: the server cannot be reached"),
        ("--redis https://hunter2@host", 3, "--redis: expected redis://"),
        ("--redis redis://host/hunter2", 3, "found a database that is no number"),
        ("--port 65536", 2, "65536 is not in the range"),
    ],
)
def test_what_cannot_be_served_is_told(ourvidz: CommandLine, options: str, status: int, message: str) -> None:
    run = ourvidz(f"dev upstash {options}")
    assert run.status == status
    assert message in run.stderr
    assert "hunter2" not in run.stderr


def test_a_port_that_is_taken_is_told(ourvidz: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = ourvidz(f"dev upstash --port {taken.getsockname()[1]} --json")
    assert run.status == 3
    assert json.loads(run.stderr)["error"]["code"] == "port_taken"


def test_without_a_redis_server_it_says_what_to_install(
    ourvidz: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("redis-server") is None
    run = ourvidz("dev upstash --port 0")
    assert run.status == 3
    assert "apt install redis-server" in run.stderr


def site_run(site: Site, exported: Mapping[str, str], *arguments: str) -> str:
    """Run a command with these variables set, and return what it prints."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in exported.items():
            patch.setitem(os.environ, name, value)
        ran = site.ourvidz(*arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
