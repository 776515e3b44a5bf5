"""A queue on a real Redis, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ourvidz.jobs.queue import Queue
from ourvidz.runtime.queue.redis import RedisQueue
from ourvidz.runtime.queue.redis.location import Server
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from ourvidz.spec.settings import QueueEntry


class PollingConnection(TcpConnection):
    """A connection that cannot block, as over REST."""

    can_block = False


def open_queue(
    port: int,
    queues: Mapping[str, QueueEntry],
    offset: Callable[[], float] = lambda: 0.0,
    kind: type[TcpConnection] = TcpConnection,
) -> RedisQueue:
    server = Server(host="127.0.0.1", port=port)
    return RedisQueue(lambda: kind(server), namespace="test", queues=queues, offset=offset)


@dataclass(slots=True)
class RedisSite:
    """See :class:`tests.conformance.site.QueueSite`. The server is empty at the start of a test."""

    port: int
    queues: Mapping[str, QueueEntry] = field(default_factory=dict)
    kind: type[TcpConnection] = TcpConnection
    offset: float = 0.0

    @property
    def opener(self) -> Callable[[], Queue]:
        return partial(open_queue, self.port, {})

    def open(self) -> RedisQueue:
        return open_queue(self.port, self.queues, lambda: self.offset, self.kind)

    def pass_time(self, seconds: float) -> None:
        """Move the clock; a negative number sets it back."""
        self.offset += seconds
