"""Servers that refuse everything and repeat whatever they were sent: the worst that errors can quote."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Echo:
    """A running server."""

    port: int
    heard: list[str] = field(default_factory=list)
    """Every request, whole."""


@contextmanager
def http_echo(status: int, *, signs: str | None = None) -> Iterator[Echo]:
    """Answers with a status, and repeats the request, headers and all, in its body and in a header.

    ``signs``: a query; every POST is then answered as a signing endpoint does, with a URL that leads
    back here and has this query.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode("latin-1")
            # Secrets first: what is cut short keeps its beginning.
            headers = sorted(self.headers.items(), key=lambda one: one[0].lower() not in _SECRET)
            request = " ".join([*(f"{name}: {value}" for name, value in headers), self.path, body])
            echo.heard.append(request)
            if signs is not None and self.command == "POST":
                self._send(200, {"url": f"http://127.0.0.1:{echo.port}/object?{signs}"})
                return
            answer = {"message": request, "error": request, "statusCode": str(status)}
            self._send(status, {**answer, "code": "InvalidRequest"}, {"x-error-message": ascii(request)})

        def _send(self, status: int, answer: dict[str, str], headers: Mapping[str, str] = {}) -> None:
            sent = json.dumps(answer).encode()
            self.send_response(status, "Refused")
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(sent)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  its names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    echo = Echo(server.server_port)
    with _served(server):
        yield echo


@contextmanager
def redis_echo(*, lets_in: bool) -> Iterator[Echo]:
    """Answers every command of a connection with an error that repeats all that it has said so far.

    ``lets_in``: whether a password is taken before that.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            said = ""
            while command := self._command():
                said = f"{said} {' '.join(command)}".strip()
                echo.heard.append(said)
                is_greeting = command[0].upper() in ("AUTH", "SELECT", "CLIENT")
                answer = "+OK" if lets_in and is_greeting else f"-ERR what is {ascii(said)[1:-1]}"
                self.wfile.write(f"{answer}\r\n".encode())

        def _command(self) -> list[str]:
            count = self.rfile.readline()
            parts = []
            for _ in range(int(count[1:] or 0)):
                size = int(self.rfile.readline()[1:])
                parts.append(self.rfile.read(size + 2)[:-2].decode("latin-1"))
            return parts

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    echo = Echo(server.server_address[1])
    with _served(server):
        yield echo


_SECRET = ("authorization", "apikey")


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
