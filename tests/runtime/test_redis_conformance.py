"""The queue on Redis does all that a queue promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ourvidz.runtime.upstash.front import Front
from ourvidz.spec.settings import QueueEntry
from tests.conformance.queue import QueueConformance
from tests.conformance.site import QueueSite
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite, open_account_queue, open_rest_queue
from tests.servers.redis_account import KeyWatch, make_account


class TestRedisQueue(QueueConformance):
    """By an account that may touch the queue's keys alone; and scripts touch what is declared to them."""

    @pytest.fixture
    def site(self, redis_server: RedisServer, key_watch: KeyWatch) -> Iterator[QueueSite]:
        with redis_server.client() as client:
            make_account(client, "test", ["sdxl_queue", "wan_queue", "queue_0", "queue_1"])
        yield RedisSite(redis_server.port, connects=open_account_queue)
        assert key_watch.seen().undeclared == []


class TestRedisQueueOverRest(QueueConformance):
    """As :class:`TestRedisQueue`, through Upstash's REST protocol, where nothing can block."""

    @pytest.fixture
    def site(self, front: Front) -> QueueSite:
        queues = {name: QueueEntry(polling_interval=0.02) for name in ("sdxl_queue", "wan_queue")}
        return RedisSite(front.server_port, queues, open_rest_queue)


class TestRedisQueueFilledFromTheRight(QueueConformance):
    """As :class:`TestRedisQueue`, with producers that push onto the other end."""

    @pytest.fixture
    def site(self, redis_server: RedisServer) -> QueueSite:
        queues = {name: QueueEntry(push="right") for name in ("sdxl_queue", "wan_queue")}
        return RedisSite(redis_server.port, queues)
