"""Serves a Redis server over Upstash's REST protocol until a signal comes."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.redis.endpoint import find_token
from ourvidz.runtime.queue.redis.location import Server, server_of
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from ourvidz.runtime.upstash.front import Front
from ourvidz.runtime.upstash.own_redis import own_redis
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import Settings


class PortTaken(NotReady):
    """Another program listens where this one was to."""

    code = "port_taken"


def server_named(url: str, root: Path) -> Server:
    """The server of a redis:// or rediss:// URL. Raises LocationInvalid, never with the URL."""
    if url.partition(":")[0] not in ("redis", "rediss"):
        raise LocationInvalid(
            "--redis: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or rediss://…"
        )
    nothing = Catalog(job_types={}, queues={}, buckets={}, models={}, settings=Settings())
    server, _ = server_of(BackendContext(url=url, root=root, catalog=nothing))
    return server


@contextmanager
def serving(server: Server | None, *, port: int) -> Iterator[tuple[Front, Server, bool]]:
    """A front on a Redis server, on one of its own if none is given. Its token is the environment's, or new.

    Gives the front, the Redis server, and whether the token is new. Raises RedisServerMissing,
    PortTaken, QueueTokenMissing, QueueUnavailable, CommandRefused.
    """
    found = find_token()
    token = found.text if found else secrets.token_urlsafe(24)
    with own_redis() if server is None else nullcontext(server) as redis:
        _check(redis)
        with _front(redis, token, port) as front:
            thread = threading.Thread(target=front.serve_forever, name="front", daemon=True)
            thread.start()
            try:
                yield front, redis, found is None
            finally:
                front.shutdown()
                thread.join()


def asked_to_stop() -> threading.Event:
    """What SIGINT and SIGTERM set from now on, instead of ending the process. For the main thread."""
    asked = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: asked.set())
    return asked


def _check(server: Server) -> None:
    connection = TcpConnection(server)
    try:
        connection.command("PING")
    finally:
        connection.close()


def _front(server: Server, token: str, port: int) -> Front:
    try:
        return Front(lambda: TcpConnection(server), token=token, port=port)
    except OSError as error:
        raise PortTaken(f"127.0.0.1:{port}: {error.strerror}; choose another with --port") from None
