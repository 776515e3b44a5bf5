"""A connection over TCP, with or without TLS, through redis-py."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.redis.connection import CommandRefused, Reply, refusal, told
from ourvidz.runtime.queue.redis.location import Server

#: Seconds that connecting, and a reply, may take. A script runs some milliseconds; the rest is the way.
PATIENCE = 10.0

#: Error codes that redis-py strips from the server's words; newer ones keep them as ``status_code``.
_STRIPPED: dict[type[Exception], str] = {
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.NoPermissionError: "NOPERM",
}


class TcpConnection:
    """See :class:`ourvidz.runtime.queue.redis.connection.Connection`. Connects at its first command.

    redis-py's own retries are off: it would repeat a command whose reply was lost.
    """

    can_block = True

    def __init__(self, server: Server) -> None:
        self._server = server
        self._closed = False
        settings: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "db": server.database,
            "username": server.username,
            "password": server.password,
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        if server.tls:
            settings |= {
                "ssl_cert_reqs": "required",
                "ssl_check_hostname": True,
                "ssl_ca_certs": None if server.ca is None else str(server.ca),
            }
        # redis-py leaves these methods without types.
        self._connection: Any = (redis.SSLConnection if server.tls else redis.Connection)(**settings)

    def command(self, *parts: str | bytes | int | float, timeout: float | None = None) -> Reply:
        try:
            return self.exchange(*parts, timeout=timeout)
        except CommandRefused as error:
            raise refusal(str(self._server), error.answer) from None

    def exchange(self, *parts: str | bytes | int | float, timeout: float | None = None) -> Reply:
        """As :meth:`command`, but every error reply is CommandRefused with the server's words."""
        connection = self._connection
        try:
            connection.connect()
            if self._closed:
                raise redis.ConnectionError("this connection was closed")
            connection.send_command(*parts)
            if timeout is not None and not connection.can_read(timeout=timeout):
                raise redis.TimeoutError(f"no reply within {timeout:g} s")
            return _plain(connection.read_response())
        except redis.AuthenticationError as error:
            connection.disconnect()
            raise CommandRefused(told(f"WRONGPASS {error}", self._server.password)) from None
        except redis.ResponseError as error:
            raise CommandRefused(told(_answer(error), self._server.password)) from None
        except redis.BusyLoadingError as error:
            connection.disconnect()
            raise CommandRefused(told(_answer(error), self._server.password)) from None
        except (redis.RedisError, OSError) as error:
            # What was sent may still be answered: the next command needs a fresh connection.
            connection.disconnect()
            why = told(str(error), self._server.password)
            raise QueueUnavailable(f"{self._server}: the server cannot be reached: {why}") from None
        except BaseException:
            connection.disconnect()
            raise

    def renew(self) -> None:
        """Give up a connection that the server has ended meanwhile: the next command makes another."""
        try:
            is_idle = not self._connection.can_read()
        except (redis.RedisError, OSError):
            is_idle = False
        if not is_idle:
            self._connection.disconnect()

    def close(self) -> None:
        self._closed = True
        self._connection.disconnect()


def _plain(reply: Any) -> Reply:
    """A reply in the seam's own types."""
    if isinstance(reply, list):
        return [_plain(one) for one in reply]
    return CommandRefused(_answer(reply)) if isinstance(reply, redis.RedisError) else reply


def _answer(error: redis.RedisError) -> str:
    """The server's words, with their code."""
    code = getattr(error, "status_code", None) or _STRIPPED.get(type(error))
    return f"{code} {error}" if code else str(error)
