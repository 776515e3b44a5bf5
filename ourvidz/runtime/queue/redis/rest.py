"""A connection over Upstash's REST protocol: one HTTP request is one command.

It is the standard library's HTTP client, since one socket at a time is all that is needed: no pool,
no redirects, no retries, which would have to be switched off in any other.

Replies come in base64, so they carry any bytes. Requests are JSON, which is text: of the arguments
of a command only the last may be other bytes, as a body of its own behind the others in the path.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.https import phrase, reason
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.redis.connection import (
    CommandRefused,
    CommandUnsendable,
    Reply,
    refusal,
    told,
)
from ourvidz.runtime.queue.redis.endpoint import Endpoint

#: Seconds that connecting, any silence, and a whole reply may take.
PATIENCE = 10.0

#: Bytes of a reply that are read; the largest of ours are some MiB.
LARGEST = 64 * 2**20

#: What a path carries under any reading of its escapes.
_PLAIN = re.compile(r"[A-Za-z0-9_.:~-]+")


class RestConnection:
    """See :class:`ourvidz.runtime.queue.redis.connection.Connection`. Connects at its first command."""

    can_block = False

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = _connection(endpoint)
        self._closed = False
        self._busy = threading.Lock()

    def command(self, *parts: str | bytes | int | float, timeout: float | None = None) -> Reply:
        target, body, content_type = _request(parts)
        headers = {
            "Authorization": f"Bearer {self._endpoint.token.text}",
            "Content-Type": content_type,
            "Upstash-Encoding": "base64",
        }
        with self._busy:
            status, text = self._exchange(target, body, headers, PATIENCE if timeout is None else timeout)
        return self._read(status, text)

    def close(self) -> None:
        self._closed = True
        connected = self._http.sock
        if connected is not None:
            with contextlib.suppress(OSError):
                # Of the plain socket, also under TLS, whose own state belongs to the thread that reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)
        if self._busy.acquire(blocking=False):
            self._http.close()
            self._busy.release()

    def _exchange(
        self, target: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[int, bytes]:
        """Send a request once, and return status and body of the answer. Raises QueueUnavailable."""
        deadline = time.monotonic() + timeout
        connection = self._http
        is_whole = False
        try:
            if self._closed:
                raise QueueUnavailable(f"{self._endpoint}: this connection was closed")
            if connection.sock is not None and _has_ended(connection.sock):
                connection.close()
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(timeout)
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            received = bytearray()
            while chunk := answer.read(65536):
                received += chunk
                if len(received) > LARGEST:
                    raise QueueUnavailable(f"{self._endpoint}: the reply is longer than {LARGEST} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError
            is_whole = not self._closed
            return answer.status, bytes(received)
        except (OSError, http.client.HTTPException) as error:
            raise QueueUnavailable(
                f"{self._endpoint}: the server cannot be reached: {reason(error)}"
            ) from None
        finally:
            if not is_whole:
                # What was sent may still be answered: the next command needs a fresh connection.
                connection.close()

    def _read(self, status: int, text: bytes) -> Reply:
        """The reply in an answer. Raises what the answer says instead."""
        answer = _parsed(text)
        error = answer.get("error") if isinstance(answer, dict) else None
        words = told(error, self._endpoint.token.text) if isinstance(error, str) else None
        if status == HTTPStatus.UNAUTHORIZED:
            raise CommandRefused(
                f"WRONGPASS {self._endpoint} does not take the token in {self._endpoint.token.variable}; "
                "expected the token for REST, which is not the database's password"
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            raise QueueUnavailable(
                f"{self._endpoint}: answered {phrase(status)}" + (f": {words}" if words else "")
            )
        if words is not None and status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
            raise refusal(str(self._endpoint), words)
        if status != HTTPStatus.OK:
            raise CommandRefused(
                f"{self._endpoint} answered {phrase(status)}"
                + (f": {words}" if words else "; expected the REST URL of a database")
            )
        try:
            return _reply(answer["result"])
        except (TypeError, KeyError, ValueError):
            raise QueueUnavailable(
                f"{self._endpoint}: found an answer that is none of Upstash's protocol"
            ) from None


def _connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    if not endpoint.tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=PATIENCE)
    try:
        trusted = ssl.create_default_context(cafile=None if endpoint.ca is None else str(endpoint.ca))
    except OSError as error:
        raise LocationInvalid(f"{endpoint.ca}: found no certificates: {error.strerror}") from None
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=PATIENCE, context=trusted)


def _has_ended(connected: socket.socket) -> bool:
    """Whether an idle connection was ended at the other side: nothing else is said unasked."""
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))


def _request(parts: Sequence[str | bytes | int | float]) -> tuple[str, bytes, str]:
    """Target, body and content type of a command's request. Raises CommandUnsendable."""
    texts = [_text(part) for part in parts]
    *rest, last = texts
    if all(isinstance(one, str) for one in texts):
        return "/", json.dumps(texts, ensure_ascii=False).encode(), "application/json"
    if isinstance(last, bytes) and all(isinstance(one, str) and _PLAIN.fullmatch(one) for one in rest):
        return "/" + "/".join(map(str, rest)), last, "application/octet-stream"
    raise CommandUnsendable(
        f"{parts[0]!s} has an argument that is not UTF-8, which REST carries only as the last one, after "
        "others of A-Z, a-z, 0-9, _, ., :, ~ and -; use the database's rediss:// URL"
    )


def _text(part: str | bytes | int | float) -> str | bytes:
    """An argument as text, or as bytes if it is none."""
    if isinstance(part, bytes):
        try:
            return part.decode()
        except UnicodeDecodeError:
            return part
    if isinstance(part, str):
        try:
            part.encode()
        except UnicodeEncodeError:
            raise CommandUnsendable("an argument holds half a character (a lone surrogate)") from None
        return part
    return repr(part)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _reply(value: Any) -> Reply:
    """A result, with its texts out of base64. Raises ValueError, TypeError."""
    match value:
        case None:
            return None
        case bool() | float():
            raise TypeError
        case int():
            return value
        case "OK":
            # The one text that is sent as it is; in base64 none has two characters.
            return b"OK"
        case str():
            return base64.b64decode(value, validate=True)
        case list():
            return [_reply(one) for one in value]
        case _:
            raise TypeError
