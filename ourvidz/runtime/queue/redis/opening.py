"""Opens a queue on a Redis server by its URL, over TCP or REST."""

from __future__ import annotations

from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.client_libraries import client_needed
from ourvidz.runtime.queue.redis.endpoint import endpoint_of
from ourvidz.runtime.queue.redis.location import server_of
from ourvidz.runtime.queue.redis.queue import RedisQueue


def open_tcp(context: BackendContext) -> RedisQueue:
    """Open the queue of a ``redis`` or ``rediss`` URL. Raises LocationInvalid, ClientMissing."""
    server, namespace = server_of(context)
    with client_needed("redis"):
        from ourvidz.runtime.queue.redis.tcp import TcpConnection

    return RedisQueue(lambda: TcpConnection(server), namespace=namespace, queues=context.catalog.queues)


def open_rest(context: BackendContext) -> RedisQueue:
    """Open the queue of an ``https`` or ``http`` URL. Raises LocationInvalid, QueueTokenMissing."""
    from ourvidz.runtime.queue.redis.rest import RestConnection

    endpoint, namespace = endpoint_of(context)
    return RedisQueue(lambda: RestConnection(endpoint), namespace=namespace, queues=context.catalog.queues)
