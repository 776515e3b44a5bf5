"""What the doctor asks a Redis server, on a real one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.runtime.queue.redis.diagnosis import diagnose
from ourvidz.runtime.queue.redis.location import Server
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from tests.runtime.redis_server import RedisServer
from tests.servers.redis_account import NAME, PASSWORD, make_account


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server as the how-to sets it up, whose settings these tests change."""
    folder: Path = tmp_path_factory.mktemp("redis")
    server = RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def client(running: RedisServer) -> Iterator[Any]:
    with running.client() as client:
        before: dict[str, str] = dict(client.config_get("*"))
        yield client
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "maxclients"):
            client.config_set(name, before[name])


def told(server: Server, ahead: float = 0.0) -> dict[str, Diagnosis]:
    """``ahead``: seconds by which this machine's clock is."""
    with closing(TcpConnection(server)) as connection:
        return {one.check: one for one in diagnose(connection, lambda: time.time() + ahead)}


def test_a_server_as_the_how_to_sets_it_up_is_sound(running: RedisServer) -> None:
    lines = told(Server(host="127.0.0.1", port=running.port))
    assert {one.health for one in lines.values()} == {"ok"}
    assert lines["queue persistence"].found == "appendonly yes, appendfsync always"


def test_the_account_of_the_how_to_is_told_enough(running: RedisServer, client: Any) -> None:
    make_account(client, "ourvidz", ["placeholder_queue"])
    lines = told(Server(host="127.0.0.1", port=running.port, username=NAME, password=PASSWORD))
    assert {one.health for one in lines.values()} == {"ok"}
    assert lines["queue persistence"].found == "appendonly yes, appendfsync not told to this account"


def test_an_account_that_may_not_ask_is_told_of(running: RedisServer, client: Any) -> None:
    make_account(client, "ourvidz", ["placeholder_queue"])
    client.execute_command("ACL", "SETUSER", NAME, "-info")
    lines = told(Server(host="127.0.0.1", port=running.port, username=NAME, password=PASSWORD))
    assert (lines["clock"].health, lines["queue server"].health) == ("ok", "warning")


@pytest.mark.parametrize(
    ("setting", "value", "check", "health"),
    [
        ("maxmemory-policy", "allkeys-lru", "queue eviction", "failed"),
        ("maxmemory-policy", "volatile-ttl", "queue eviction", "warning"),
        ("appendonly", "no", "queue persistence", "failed"),
        ("appendfsync", "everysec", "queue persistence", "warning"),
        ("maxmemory", "1000", "queue memory", "failed"),
        ("maxclients", "2", "queue connections", "warning"),
    ],
)
def test_a_setting_that_loses_or_stops_jobs_is_found(
    running: RedisServer, client: Any, setting: str, value: str, check: str, health: str
) -> None:
    client.config_set(setting, value)
    lines = told(Server(host="127.0.0.1", port=running.port))
    assert {one.check for one in lines.values() if one.health != "ok"} == {check}
    assert lines[check].health == health
    assert lines[check].remedy


@pytest.mark.parametrize(
    ("ahead", "health"), [(2, "ok"), (60, "warning"), (-60, "warning"), (400, "failed"), (-400, "failed")]
)
def test_clocks_that_differ_are_found(running: RedisServer, ahead: float, health: str) -> None:
    clock = told(Server(host="127.0.0.1", port=running.port), ahead)["clock"]
    assert clock.health == health
    assert health == "ok" or ("ahead of" if ahead > 0 else "behind") in clock.found
