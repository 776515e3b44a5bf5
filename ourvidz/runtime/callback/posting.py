"""One POST to a receiver: bounded in time and bytes, and never sent on to another address."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ourvidz.jobs.callback import CallbackFailed
from ourvidz.runtime.https import is_loopback, phrase, reason
from ourvidz.runtime.locations import LocationInvalid

#: Seconds for a connection, and for any wait on it.
SILENCE = 10.0

#: Seconds for the whole exchange once it is connected. With the connection it stays well below the
#: lease of an outbox entry, since after that somebody else would tell the next event beside it.
LONGEST = 20.0

#: Bytes of an answer that are read. Nothing depends on them, but a receiver is let finish.
MOST_READ = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where events are posted. ``str`` gives scheme and host alone: the path may hold a secret."""

    is_secure: bool
    host: str
    port: int
    target: str
    """Path and query."""

    @classmethod
    def of(cls, url: str) -> Receiver:
        """Read a URL: https, or http to this machine itself. Raises LocationInvalid."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise LocationInvalid("the callback URL cannot be read; expected https://HOST/PATH") from None
        if not parts.hostname:
            raise LocationInvalid("the callback URL names no host; expected https://HOST/PATH")
        if parts.username is not None or parts.password is not None:
            raise LocationInvalid(
                "the callback URL holds a user or password; put a bearer token into OURVIDZ_CALLBACK_TOKEN"
            )
        if parts.fragment:
            raise LocationInvalid("the callback URL has a # in it; expected https://HOST/PATH")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not (target.isascii() and parts.hostname.isascii() and " " not in target):
            raise LocationInvalid("the callback URL is not ASCII; expected its escapes, such as %C3%A9")
        is_secure = parts.scheme == "https"
        if not is_secure and not is_loopback(parts.hostname):
            raise LocationInvalid(
                f"the callback URL: found http to {parts.hostname}, where anybody between could read along; "
                "expected https, or http to this machine itself"
            )
        standard = 443 if is_secure else 80
        return cls(is_secure=is_secure, host=parts.hostname, port=port or standard, target=target)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}"

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Hand a body over. Returning means that the answer was 2xx. Raises CallbackFailed."""
        try:
            with self._exchange() as (connection, is_cut):
                connection.request("POST", self.target, body, dict(headers))
                answer = connection.getresponse()
                if is_cut.is_set():
                    raise TimeoutError
                with contextlib.suppress(OSError, http.client.HTTPException):
                    # The status has come, and with it all that counts.
                    answer.read(MOST_READ)
        except (OSError, http.client.HTTPException) as error:
            raise CallbackFailed(f"{self}: {reason(error)}") from error
        if not 200 <= answer.status < 300:
            raise CallbackFailed(f"{self}: answered {phrase(answer.status)}")

    def reach(self) -> None:
        """Connect, over TLS where it is https, and ask for nothing. Raises CallbackFailed."""
        try:
            with self._exchange():
                pass
        except (OSError, http.client.HTTPException) as error:
            raise CallbackFailed(f"{self}: {reason(error)}") from error

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
        """An open connection, and whether it was cut: when its time is over, though bytes go on coming."""
        connection, is_cut = self._connection(), threading.Event()
        try:
            connection.connect()
            timer = threading.Timer(LONGEST, _cut, [connection.sock, is_cut])
            timer.daemon = True
            timer.start()
            try:
                yield connection, is_cut
            finally:
                timer.cancel()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.is_secure:
            trusted = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=SILENCE, context=trusted)
        return http.client.HTTPConnection(self.host, self.port, timeout=SILENCE)


def _cut(connected: socket.socket, is_cut: threading.Event) -> None:
    is_cut.set()
    with contextlib.suppress(OSError):
        # Of the plain socket, also under TLS, whose own state belongs to the thread that reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
