"""A queue on a real Redis, over TCP or REST, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ourvidz.jobs.queue import Queue
from ourvidz.runtime.queue.redis import RedisQueue
from ourvidz.runtime.queue.redis.location import Server
from ourvidz.runtime.queue.redis.rest import RestConnection
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from ourvidz.spec.settings import QueueEntry
from tests.servers.redis_account import NAME, PASSWORD
from tests.servers.upstash import endpoint


def open_queue(
    port: int, queues: Mapping[str, QueueEntry], offset: Callable[[], float] = lambda: 0.0
) -> RedisQueue:
    server = Server(host="127.0.0.1", port=port)
    return RedisQueue(lambda: TcpConnection(server), namespace="test", queues=queues, offset=offset)


def open_rest_queue(
    port: int, queues: Mapping[str, QueueEntry], offset: Callable[[], float] = lambda: 0.0
) -> RedisQueue:
    """The same behind a front on ``port`` that speaks Upstash's REST protocol."""
    place = endpoint(port)
    return RedisQueue(lambda: RestConnection(place), namespace="test", queues=queues, offset=offset)


def open_account_queue(
    port: int, queues: Mapping[str, QueueEntry], offset: Callable[[], float] = lambda: 0.0
) -> RedisQueue:
    """The same by an account that may touch nothing else; see :mod:`tests.servers.redis_account`."""
    server = Server(host="127.0.0.1", port=port, username=NAME, password=PASSWORD)
    return RedisQueue(lambda: TcpConnection(server), namespace="test", queues=queues, offset=offset)


@dataclass(slots=True)
class RedisSite:
    """See :class:`tests.conformance.site.QueueSite`. The server is empty at the start of a test."""

    port: int
    queues: Mapping[str, QueueEntry] = field(default_factory=dict)
    connects: Callable[..., RedisQueue] = open_queue
    offset: float = 0.0

    @property
    def opener(self) -> Callable[[], Queue]:
        return partial(self.connects, self.port, {})

    def open(self) -> RedisQueue:
        return self.connects(self.port, self.queues, lambda: self.offset)

    def pass_time(self, seconds: float) -> None:
        """Move the clock; a negative number sets it back."""
        self.offset += seconds
