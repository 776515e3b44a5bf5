"""``/health``, ``/ready`` and ``/metrics`` of one worker, over HTTP."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from ourvidz.errors import NotReady

#: Seconds after which a connection that says nothing is closed.
SILENCE = 5.0

#: Of Prometheus' text format.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class HealthAddressUnusable(NotReady):
    """A worker cannot be asked for its health where it was told to answer."""

    code = "health_address_unusable"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server asks for its answers; each may be called from several threads at once."""

    is_ready: Callable[[], bool]
    metrics: Callable[[], bytes]


class HealthServer:
    """Serves until it is closed, beside whatever the worker does. Use as a context manager.

    Nothing that it says names a job, a user or a prompt, and nothing that it is asked changes anything.
    """

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        """``port`` 0 is any that is free. Raises HealthAddressUnusable."""
        try:
            self._http = _Http((host, port), answers)
        except OSError as error:
            raise HealthAddressUnusable(
                f"--health {host}:{port}: {error.strerror}; "
                "expected an address of this machine and a port that nobody uses, each worker its own"
            ) from None
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True, name="health")
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self._http.server_address[0]!s}:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        self.answers = answers
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As the base does, without asking the network for a name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            # Somebody who leaves in mid-answer is no error of ours.
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = SILENCE

    def do_GET(self) -> None:
        match self.path:
            case "/health":
                self._say(HTTPStatus.OK, {"alive": True})
            case "/ready" if self.server.answers.is_ready():
                self._say(HTTPStatus.OK, {"ready": True})
            case "/ready":
                why = "its models are not loaded yet, or it takes no more jobs"
                self._say(HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "why": why})
            case "/metrics":
                self._send(HTTPStatus.OK, METRICS_TYPE, self.server.answers.metrics())
            case _:
                self._say(HTTPStatus.NOT_FOUND, {"expected": ["/health", "/ready", "/metrics"]})

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: whoever watches asks every few seconds."""

    def _say(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
