"""Receivers of callbacks as real servers: the documented one, and two that do as deployed functions do."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from tests.docs.documents import File, steps

DOCUMENT = Path(__file__).parents[2] / "docs/how-to/receive-callbacks.md"

KEY_ID, SECRET = "july", "0123456789abcdef" * 4
TOKEN = "service-key-0123456789abcdef"

#: What a server does with a request beside answering it: the last one drops its answer.
Fault = Literal["stall", "reset", "drip", "lost reply"]


def documented(name: str) -> str:
    """A file of the how-to, as its reader writes it."""
    [text] = [step.text for step in steps(DOCUMENT) if isinstance(step, File) and step.path == name]
    return text


def documented_receiver(folder: Path) -> ModuleType:
    """The how-to's receiver, imported."""
    path = folder / "receiver.py"
    path.write_text(documented("receiver.py"))
    spec = importlib.util.spec_from_file_location("documented_receiver", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived, to the byte."""

    path: str
    headers: Message
    body: bytes


@dataclass(slots=True)
class Function:
    """What stands behind a server: takes a request and answers with a status."""

    requests: list[Request] = field(default_factory=list)
    script: list[int | Fault] = field(default_factory=list)
    """What happens to the next requests, instead of being taken."""

    def take(self, request: Request) -> int:
        return 200


@dataclass(slots=True)
class DocumentedFunction(Function):
    """The how-to's receiver behind a server whose faults can be chosen."""

    module: ModuleType = field(kw_only=True)
    jobs: Any = field(kw_only=True)

    def take(self, request: Request) -> int:
        if not self.module.verify(request.headers, request.body, {KEY_ID: SECRET}, time.time()):
            return 401
        self.jobs.apply(json.loads(request.body))
        return 204

    def event(self, job_id: str) -> dict[str, Any] | None:
        """The event that the receiver goes by for this job."""
        with closing(sqlite3.connect(self.jobs.path)) as file:
            row = file.execute("SELECT event FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        event: dict[str, Any] | None = row and json.loads(row[0])
        return event


@dataclass(slots=True)
class DeployedFunction(Function):
    """A ``job-callback`` that takes whatever comes, as it comes, into its row."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class July2025Function(DeployedFunction):
    """Knows its callers by the service key."""

    def take(self, request: Request) -> int:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401
        body = json.loads(request.body)
        row = self.rows.setdefault(body["jobId"], {})
        row["status"] = body["status"]
        row["paths"] = body.get("imageUrls") or [body[name] for name in ("filePath",) if name in body]
        row["error_message"] = body.get("errorMessage")
        return 200


@dataclass(slots=True)
class LatestFunction(DeployedFunction):
    """Knows its callers by the signature over the body."""

    def take(self, request: Request) -> int:
        right = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        if request.headers.get("X-Callback-Signature") != f"sha256={right}":
            return 401
        body = json.loads(request.body)
        self.rows[body.pop("job_id")] = body
        return 200


@contextmanager
def serving(function: Function) -> Iterator[str]:
    """Run a server on a free port of this machine; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, self.headers, body)
            function.requests.append(request)
            match function.script.pop(0) if function.script else None:
                case None:
                    self._answer(function.take(request))
                case int(status):
                    self._answer(status)
                case "lost reply":
                    function.take(request)
                    self.close_connection = True
                case "reset":
                    # To linger for no time at all makes the end of a connection a reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                case "stall":
                    ended.wait()
                case "drip":
                    self._drip()

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def _drip(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.02):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests look at the requests."""

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/functions/v1/job-callback"
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
