"""Fetches one file that a user named by URL, from the public internet and from nowhere else.

The name is resolved once, every address that it has must be public, and the connection goes to one of
those: a name that means something else a moment later changes nothing. The certificate must be the
name's. Redirects are not followed, environment variables of proxies are not read.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ourvidz.errors import OurvidzError, RequestInvalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What the standard library takes for public: 168.63.129.16 is Azure's metadata service, of
#: 192.0.0.0/24 (RFC 6890) clouds use single addresses for theirs.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24")))


class UrlRefused(RequestInvalid):
    """An input's URL that is not read, wherever it may lead."""

    code = "input_url_refused"


class InputUnavailable(OurvidzError):
    """The server of an input's URL does not answer, or not in time; it may do so later."""

    code = "input_unavailable"
    retryable = True


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet at large, and hides none that does not."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        # What carries an IPv4 address inside, such as 2002::/16 and 64:ff9b::/96, leads to that one.
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Internet:
    """How the world is reached; tests reach a server of their own."""

    resolve: Callable[[str, int], Sequence[str]] = resolve
    permits: Callable[[Address], bool] = is_public
    ports: Container[int] = (443,)
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context
    seconds: float = 30.0
    """For everything together, from the first byte sent to the last one read."""

    def fetch(self, url: str, *, limit: int, name: str) -> bytes:
        """The file at ``url``, or its first ``limit`` bytes. ``name`` is what messages call it.

        Raises UrlRefused, InputUnavailable. Neither repeats the URL, which may be signed.
        """
        parts = urlsplit(url)
        host, port = parts.hostname, _port(url)
        if parts.scheme != "https" or not host or port is None or parts.username is not None:
            raise UrlRefused(f"{name}: expected https://, a host, and no user name")
        if port not in self.ports:
            # Behind other ports of a public server stand databases and consoles rather than pictures.
            raise UrlRefused(f"{name}: found port {port}, expected the one of https, 443")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        addresses = self._addresses(host, port, name)
        connection = _Connection(host, port, addresses, self.trust(), self.seconds)
        try:
            return connection.read(target, limit, name)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if connection.expired:
                raise InputUnavailable(f"{name}: its server took longer than {self.seconds:g} s") from None
            raise InputUnavailable(f"{name}: its server cannot be read ({type(error).__name__})") from None
        finally:
            connection.end()

    def _addresses(self, host: str, port: int, name: str) -> list[str]:
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError):
            raise InputUnavailable(f"{name}: the name of its server cannot be resolved") from None
        # One that is not public among others is as bad: which one is used is chance.
        if not found or not all(self.permits(ipaddress.ip_address(one)) for one in found):
            raise UrlRefused(f"{name}: its server is not on the public internet")
        return list(found)


class _Connection(http.client.HTTPSConnection):
    """A connection to one of the given addresses, cut off when its time is over."""

    def __init__(
        self, host: str, port: int, addresses: Sequence[str], trust: ssl.SSLContext, seconds: float
    ) -> None:
        super().__init__(host, port, context=trust)
        self._trust = trust
        self._addresses = addresses
        self._end = time.monotonic() + seconds
        self._raw: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @property
    def expired(self) -> bool:
        """Whether all its time is over, whoever noticed it first: the timer, or a socket's own limit."""
        return time.monotonic() >= self._end

    def connect(self) -> None:
        """Raises OSError."""
        raw = self._connected()
        # The fence outlives the wrapping, which may take its time as well.
        self._raw = raw.dup()
        self._timer.start()
        self.sock = self._trust.wrap_socket(raw, server_hostname=self.host)

    def read(self, target: str, limit: int, name: str) -> bytes:
        """Raises UrlRefused, InputUnavailable, OSError, HTTPException."""
        self.request("GET", target, headers={"accept": "image/*", "user-agent": "ourvidz"})
        with self.getresponse() as answer:
            return self._body(answer, limit, name)

    def end(self) -> None:
        """Close the connection, and let go of the time that it had.

        ``close`` is also what the base class calls when an answer begins.
        """
        self._timer.cancel()
        self.close()
        if self._raw is not None:
            self._raw.close()

    def _body(self, answer: http.client.HTTPResponse, limit: int, name: str) -> bytes:
        if 300 <= answer.status < 400:
            raise UrlRefused(f"{name}: its server redirects, which is not followed; name the file itself")
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise InputUnavailable(f"{name}: its server answered {answer.status}")
        if answer.status != 200:
            raise UrlRefused(f"{name}: its server answered {answer.status}")
        data = answer.read(limit)
        if self.expired or (len(data) < limit and answer.length):
            raise OSError("cut off")
        return data

    def _connected(self) -> socket.socket:
        failed: OSError = OSError("no address")
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), max(0.01, self._end - time.monotonic()))
            except OSError as error:
                failed = error
        raise failed

    def _cut(self) -> None:
        if self._raw is not None:
            with suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port or 443
    except ValueError:
        return None
