"""From HTTP requests to Redis commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

#: One command with its arguments.
Command = list[bytes]

#: What REST does not have: it would wait, or speak of a connection that every request has anew.
_WAITS = "BLPOP BRPOP BLMOVE BRPOPLPUSH BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF MONITOR"
_SUBSCRIBES = "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE"
_CONNECTS = "AUTH HELLO SELECT CLIENT QUIT RESET ASKING READONLY READWRITE"
_TRANSACTS = "MULTI EXEC DISCARD WATCH UNWATCH"
#: What a hosted database keeps to itself.
_OPERATES = (
    "SHUTDOWN DEBUG CONFIG MODULE CLUSTER REPLICAOF SLAVEOF FAILOVER SYNC PSYNC REPLCONF SAVE BGSAVE "
    "BGREWRITEAOF MIGRATE"
)
_MISSING = frozenset(
    name.encode()
    for names in (_WAITS, _SUBSCRIBES, _CONNECTS, _TRANSACTS, _OPERATES)
    for name in names.split()
)


class BadRequest(Exception):
    """A request that is answered with 400 and these words."""


def command_of_body(body: bytes) -> Command:
    """Read ``["SET", "key", 1]``. Raises BadRequest."""
    return _command(_json(body))


def commands_of_body(body: bytes) -> list[Command]:
    """Read ``[["SET", "key", 1], ["GET", "key"]]``. Raises BadRequest."""
    rows = _json(body)
    if not isinstance(rows, list) or not rows:
        raise BadRequest("ERR expected a JSON array of commands, each an array of texts")
    return [_command(row) for row in rows]


def command_of_path(path: str, query: str, body: bytes) -> Command:
    """Read ``/set/key/value?EX=100``: the path, then a body, then what the query adds."""
    command = [unquote_to_bytes(part) for part in path.strip("/").split("/")]
    if body:
        command.append(body)
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        if name != "_token":
            command += [text.encode(errors="surrogateescape") for text in (name, value) if text]
    return command


def check_offered(command: Sequence[bytes]) -> None:
    """Raises BadRequest for a command that cannot be had over REST."""
    name = command[0].upper()
    streams = [one.upper() for one in command[1:]] if name in (b"XREAD", b"XREADGROUP") else []
    waits = b"BLOCK" in streams[: streams.index(b"STREAMS") if b"STREAMS" in streams else None]
    if name in _MISSING or waits:
        text = name.decode(errors="replace") + (" BLOCK" if waits else "")
        raise BadRequest(f"ERR Command is not available: '{text}'")


def _json(body: bytes) -> Any:
    try:
        # Numbers stay as they were written. What is not UTF-8 is replaced, as the service does it too.
        text = body.decode(errors="replace")
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadRequest("ERR failed to parse the body: expected JSON") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _command(row: Any) -> Command:
    if not isinstance(row, list) or not row:
        raise BadRequest("ERR expected a command as a JSON array of texts")
    return [_argument(one) for one in row]


def _argument(value: Any) -> bytes:
    match value:
        case bool():
            return b"true" if value else b"false"
        case str():
            # Half a character becomes U+FFFD, as Go's and every other strict reader makes it.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        case _:
            raise BadRequest("ERR expected texts and numbers as a command's arguments")
