"""Redis as a plugin: queues on ``redis://`` and, over TLS, ``rediss://``, which need ``ourvidz[redis]``.

Upstash's REST protocol, ``https://``, needs no library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from ourvidz.jobs.queue import Queue


@hookimpl
def ourvidz_queues() -> Sequence[Backend[Queue]]:
    """``redis://HOST[:PORT][/DATABASE][?namespace=NAME]``, ``rediss://…[?ca=FILE]``, ``https://HOST…``."""
    tcp = [Backend(scheme=scheme, open=_open_tcp) for scheme in ("redis", "rediss")]
    rest = [Backend(scheme=scheme, open=_open_rest) for scheme in ("https", "http")]
    return [*tcp, *rest]


def _open_tcp(context: BackendContext) -> Queue:
    from ourvidz.runtime.queue.redis.opening import open_tcp

    return open_tcp(context)


def _open_rest(context: BackendContext) -> Queue:
    from ourvidz.runtime.queue.redis.opening import open_rest

    return open_rest(context)
