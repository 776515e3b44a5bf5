"""Redis as a plugin: queues on ``redis://`` and, over TLS, ``rediss://``. Needs ``ourvidz[redis]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from ourvidz.jobs.queue import Queue


@hookimpl
def ourvidz_queues() -> Sequence[Backend[Queue]]:
    """``redis://HOST[:PORT][/DATABASE][?namespace=NAME]``, ``rediss://…[?ca=FILE]``."""
    return [Backend(scheme=scheme, open=_open) for scheme in ("redis", "rediss")]


def _open(context: BackendContext) -> Queue:
    from ourvidz.runtime.queue.redis.opening import open_tcp

    return open_tcp(context)
