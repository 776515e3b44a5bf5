"""Whoever is killed, workers, producers or the server, no job is lost and none ends twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.jobs import job_id, payload, result
from tests.conformance.site import claimed, told
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.runtime.victims import Victims, check_kills


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of its own, which writes to the disk as the test says."""
    server = RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", request.param)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def victims(server: RedisServer) -> Iterator[Victims]:
    victims = Victims(f"redis:{server.port}")
    yield victims
    victims.stop()


@pytest.mark.parametrize("server", ["everysec"], indirect=True)
def test_producers_and_workers_killed_at_random_lose_no_job_and_end_none_twice(
    server: RedisServer, victims: Victims
) -> None:
    with server.client() as administrator:
        check_kills(victims, RedisSite(server.port), lambda: administrator.script_flush())


@pytest.mark.parametrize("server", ["always"], indirect=True)
def test_a_server_killed_at_random_loses_no_job_and_ends_none_twice(
    server: RedisServer, victims: Victims
) -> None:
    def kill() -> None:
        server.kill()
        server.start()

    check_kills(victims, RedisSite(server.port), kill, seed=11)


@pytest.mark.parametrize("server", ["everysec", "always"], indirect=True)
def test_a_restart_of_the_server_keeps_leases_events_and_letters(server: RedisServer) -> None:
    with closing(RedisSite(server.port).open()) as queue:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        queue.push("sdxl_queue", b"?")
        running, done = claimed(queue), claimed(queue)
        queue.complete(done.lease, result(done))
        server.stop()
        server.start()
        assert queue.beat(running.lease, lease_seconds=30) == "ok"
        assert claimed(queue).lease.job_id == job_id(2)
        assert [event.job_id for event in told(queue)] == [job_id(1)]
        assert [letter.payload for letter in queue.dead_letters.list()] == [b"?"]
