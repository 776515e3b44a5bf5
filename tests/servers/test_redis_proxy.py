"""The proxy loses what it is told to lose, after the server has done it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.runtime.redis_server import RedisServer
from tests.servers.redis_proxy import RedisProxy, redis_proxy


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[RedisProxy]:
    with redis_proxy(server.port) as proxy:
        yield proxy


def client(proxy: RedisProxy) -> redis.Redis:
    return redis.Redis(port=proxy.port, retry=Retry(NoBackoff(), 0), socket_timeout=10)


def test_a_lost_reply_is_that_of_a_command_that_was_done(server: RedisServer, proxy: RedisProxy) -> None:
    proxy.lose("LPUSH")
    with client(proxy) as through, server.client() as direct:
        assert through.ping()
        with pytest.raises(redis.ConnectionError):
            through.lpush("list", "one")
        assert direct.lrange("list", 0, -1) == [b"one"]
        assert through.lpush("list", "two") == 2
    assert proxy.lost == {"LPUSH": 1}


def test_whoever_is_cut_off_comes_back(proxy: RedisProxy) -> None:
    with client(proxy) as through:
        assert through.ping()
        proxy.cut()
        with pytest.raises(redis.ConnectionError):
            through.ping()
        proxy.join()
        assert through.ping()
