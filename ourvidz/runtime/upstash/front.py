"""The HTTP server: one request is one command, a pipeline, or a transaction."""

from __future__ import annotations

import hmac
import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.redis.connection import CommandRefused, Reply
from ourvidz.runtime.queue.redis.tcp import TcpConnection
from ourvidz.runtime.upstash.answers import Encoding, answer, as_base64, as_text, error
from ourvidz.runtime.upstash.requests import (
    BadRequest,
    Command,
    check_offered,
    command_of_body,
    command_of_path,
    commands_of_body,
)

#: Bytes of a request's body, as the service's larger plans have it; its free one takes 1 MB.
LARGEST_BODY = 10 * 2**20

#: Seconds after which a connection that says nothing is closed.
SILENCE = 60.0


class Front(ThreadingHTTPServer):
    """Serves on this machine alone, and asks every request for a token."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, connect: Callable[[], TcpConnection], *, token: str, port: int = 0) -> None:
        """``connect`` makes a connection to Redis; ``port`` 0 is any that is free. Raises OSError."""
        self.connect = connect
        self.token = token
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            # Somebody who leaves in mid-answer is no error of ours.
            super().handle_error(request, client_address)


class _Refused(Exception):
    """A request that is answered with a status and these words."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """One HTTP connection, with a Redis connection of its own."""

    server: Front
    protocol_version = "HTTP/1.1"
    timeout = SILENCE
    disable_nagle_algorithm = True
    # Head and body of an answer leave in one piece; handle_one_request flushes.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._redis = self.server.connect()

    def finish(self) -> None:
        self._redis.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a URL may hold the token, and a body what somebody wrote."""

    def handle_expect_100(self) -> bool:
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._refuse_method()

    def do_OPTIONS(self) -> None:
        self._refuse_method()

    def do_PATCH(self) -> None:
        self._refuse_method()

    def _answer(self) -> None:
        try:
            body = self._body()
            self._check_token()
            # The client knows of no connection to Redis that may have ended since its last request.
            self._redis.renew()
            status, said = HTTPStatus.OK, self._run(body)
        except _Refused as refused:
            status, said = refused.status, error(str(refused))
        except BadRequest as refused:
            status, said = HTTPStatus.BAD_REQUEST, error(str(refused))
        except CommandRefused as refused:
            status, said = HTTPStatus.BAD_REQUEST, error(refused.answer)
        except QueueUnavailable as refused:
            status, said = HTTPStatus.SERVICE_UNAVAILABLE, error(f"ERR {refused}")
        self._send(status, said)

    def _refuse_method(self) -> None:
        self.close_connection = True
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, error("ERR expected GET, HEAD, POST or PUT"))

    def _body(self) -> bytes:
        """Raises _Refused; what is not read then, no later request can be told from."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "ERR expected a Content-Length")
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"ERR max request size exceeded. Limit: {LARGEST_BODY} bytes, Actual: {length} bytes",
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the client left in the middle of its request")
        return body

    def _check_token(self) -> None:
        scheme, _, shown = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            shown = parse_qs(urlsplit(self.path).query).get("_token", [""])[0]
        if not hmac.compare_digest(shown.strip().encode(), self.server.token.encode()):
            raise _Refused(HTTPStatus.UNAUTHORIZED, "WRONGPASS invalid or missing auth token")

    def _run(self, body: bytes) -> Any:
        if self.headers.get("Upstash-Response-Format", "json").lower() != "json":
            raise BadRequest("ERR expected the response format json; there is no other here")
        encoding = as_base64 if self.headers.get("Upstash-Encoding", "").lower() == "base64" else as_text
        parts = urlsplit(self.path)
        match parts.path.strip("/"):
            case "":
                return answer(self._command(command_of_body(body)), encoding)
            case "pipeline":
                return [self._in_pipeline(one, encoding) for one in commands_of_body(body)]
            case "multi-exec":
                return [answer(one, encoding) for one in self._transaction(commands_of_body(body))]
            case path:
                return answer(self._command(command_of_path(path, parts.query, body)), encoding)

    def _command(self, command: Command) -> Reply:
        check_offered(command)
        return self._redis.exchange(*command)

    def _in_pipeline(self, command: Command, encoding: Encoding) -> dict[str, Any]:
        try:
            return answer(self._command(command), encoding)
        except CommandRefused as refused:
            return error(refused.answer)
        except BadRequest as refused:
            return error(str(refused))

    def _transaction(self, commands: list[Command]) -> list[Reply]:
        """All replies. Raises BadRequest or CommandRefused where none was run."""
        for command in commands:
            check_offered(command)
        self._redis.exchange("MULTI")
        try:
            for command in commands:
                self._redis.exchange(*command)
        except CommandRefused:
            self._redis.exchange("DISCARD")
            raise
        replies = self._redis.exchange("EXEC")
        assert isinstance(replies, list)
        return replies

    def _send(self, status: HTTPStatus, said: Any) -> None:
        text = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
