"""Opens a queue on a Redis server by its URL, over TCP or REST."""

from __future__ import annotations

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.queue.redis.endpoint import endpoint_of
from ourvidz.runtime.queue.redis.location import server_of
from ourvidz.runtime.queue.redis.queue import RedisQueue


class RedisClientMissing(NotReady):
    """The library redis is not installed."""

    code = "redis_client_missing"


def open_tcp(context: BackendContext) -> RedisQueue:
    """Open the queue of a ``redis`` or ``rediss`` URL. Raises LocationInvalid, RedisClientMissing."""
    server, namespace = server_of(context)
    require_client()
    from ourvidz.runtime.queue.redis.tcp import TcpConnection

    return RedisQueue(lambda: TcpConnection(server), namespace=namespace, queues=context.catalog.queues)


def open_rest(context: BackendContext) -> RedisQueue:
    """Open the queue of an ``https`` or ``http`` URL. Raises LocationInvalid, QueueTokenMissing."""
    from ourvidz.runtime.queue.redis.rest import RestConnection

    endpoint, namespace = endpoint_of(context)
    return RedisQueue(lambda: RestConnection(endpoint), namespace=namespace, queues=context.catalog.queues)


def require_client() -> None:
    """Raises RedisClientMissing without the library that speaks to Redis over TCP."""
    try:
        import redis  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise RedisClientMissing(
            "Redis over TCP needs the library redis: pip install ourvidz[redis]"
        ) from None
