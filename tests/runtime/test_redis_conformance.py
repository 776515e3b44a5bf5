"""The queue on Redis does all that a queue promises."""

from __future__ import annotations

import pytest

from ourvidz.runtime.upstash.front import Front
from ourvidz.spec.settings import QueueEntry
from tests.conformance.queue import QueueConformance
from tests.conformance.site import QueueSite
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite, open_rest_queue


class TestRedisQueue(QueueConformance):
    @pytest.fixture
    def site(self, redis_server: RedisServer) -> QueueSite:
        return RedisSite(redis_server.port)


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
