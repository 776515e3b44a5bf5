"""From Redis replies to the JSON that answers a request."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from ourvidz.runtime.queue.redis.connection import CommandRefused, Reply

#: Makes JSON's text of a reply's.
Encoding = Callable[[bytes], str]


def as_text(text: bytes) -> str:
    """What is not UTF-8 is replaced by U+FFFD, so it is lost."""
    return text.decode(errors="replace")


def as_base64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def answer(reply: Reply, encoding: Encoding) -> dict[str, Any]:
    """``{"result": …}``, or ``{"error": …}`` for a command that was refused within a transaction."""
    if isinstance(reply, CommandRefused):
        return error(reply.answer)
    # This one text is never encoded, unless it stands in a list.
    return {"result": "OK" if reply == b"OK" else _json(reply, encoding)}


def error(words: str) -> dict[str, Any]:
    return {"error": words}


def _json(reply: Reply, encoding: Encoding) -> Any:
    match reply:
        case bytes():
            return encoding(reply)
        case list():
            return [_json(one, encoding) for one in reply]
        case CommandRefused():
            return encoding(reply.answer.encode())
        case _:
            return reply
