"""A server that deletes keys when it is full would lose jobs."""

from __future__ import annotations

from ourvidz.errors import NotReady
from ourvidz.runtime.queue.redis.connection import CommandRefused, Connection


class ServerEvicts(NotReady):
    """The Redis server deletes keys when it is full, jobs among them."""

    code = "server_evicts"


def check_keeps(connection: Connection) -> None:
    """Raises ServerEvicts if the server may delete keys that have no time to live, as ours have none."""
    try:
        told = connection.command("INFO", "memory")
    except CommandRefused:
        # Some accounts may not ask; then its operator has to know.
        return
    lines = told.decode().splitlines() if isinstance(told, bytes) else []
    policy = next((one.partition(":")[2] for one in lines if one.startswith("maxmemory_policy:")), "")
    if policy.startswith("allkeys"):
        raise ServerEvicts(
            f"the Redis server's maxmemory-policy: found {policy}, which deletes jobs when it is full; "
            "set it to noeviction, or switch eviction off where the server is rented"
        )
