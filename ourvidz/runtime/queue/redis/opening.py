"""Opens a queue on a Redis server by its URL."""

from __future__ import annotations

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.queue.redis.location import server_of
from ourvidz.runtime.queue.redis.queue import RedisQueue


class RedisClientMissing(NotReady):
    """The library redis is not installed."""

    code = "redis_client_missing"


def open_tcp(context: BackendContext) -> RedisQueue:
    """Open the queue of a ``redis`` or ``rediss`` URL. Raises LocationInvalid, RedisClientMissing."""
    server, namespace = server_of(context)
    try:
        from ourvidz.runtime.queue.redis.tcp import TcpConnection
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise RedisClientMissing(
            "a queue on Redis needs the library redis: pip install ourvidz[redis]"
        ) from None
    return RedisQueue(lambda: TcpConnection(server), namespace=namespace, queues=context.catalog.queues)
