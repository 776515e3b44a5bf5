"""Our front that speaks Upstash's REST protocol, on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ourvidz.runtime.queue.redis.endpoint import Endpoint, Token
from ourvidz.runtime.queue.redis.location import Server
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from ourvidz.runtime.upstash.front import Front

TOKEN = "c3VwZXItc2VjcmV0LXRva2Vu="


@contextmanager
def upstash_front(redis_port: int) -> Iterator[Front]:
    server = Server(host="127.0.0.1", port=redis_port)
    with Front(lambda: TcpConnection(server), token=TOKEN) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield front
        front.shutdown()
        thread.join()


def endpoint(port: int, token: str = TOKEN) -> Endpoint:
    return Endpoint(
        host="127.0.0.1", port=port, tls=False, token=Token(text=token, variable="OURVIDZ_QUEUE_TOKEN")
    )
