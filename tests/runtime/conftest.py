"""Clients of a project folder, and a way to wait for what other processes do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ourvidz.runtime.client import Client
from ourvidz.runtime.upstash.front import Front
from tests.runtime.redis_server import RedisServer
from tests.servers.certificates import make_certificate
from tests.servers.redis_account import KeyWatch
from tests.servers.upstash import upstash_front
from tests.site import Site, site, until

__all__ = ["site"]


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client.open(site.project()) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    return until


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    """A server that holds nothing; one process for all tests."""
    with _redis.client() as client:
        client.flushall()
    return _redis


@pytest.fixture
def key_watch(redis_server: RedisServer) -> Iterator[KeyWatch]:
    """Hears what scripts on ``redis_server`` do."""
    watch = KeyWatch(redis_server.port)
    yield watch
    watch.close()


@pytest.fixture(scope="session")
def _front(_redis: RedisServer) -> Iterator[Front]:
    with upstash_front(_redis.port) as front:
        yield front


@pytest.fixture
def front(redis_server: RedisServer, _front: Front) -> Front:  # noqa: ARG001  it is emptied
    """Upstash's REST protocol on ``redis_server``."""
    return _front


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that is its own authority, and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificates"))
