"""A front of a storage server that spoils the next requests as it is told, and passes the others on."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

#: Headers that belong to one connection alone.
_OWN = {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer with this in place of the server."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def coded(cls, code: str, inner: int, *, status: int = 400) -> Answer:
        """A refusal as the storage server writes it: the true status stands in the body."""
        fields = {"statusCode": str(inner), "code": code, "error": code, "message": f"about {code}"}
        return cls(status=status, body=json.dumps(fields).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Pass so many bytes of the request's body on to the server, and break off towards both."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Take the request and never answer."""


@dataclass(frozen=True, slots=True)
class LostReply:
    """Let the server do it, and break the connection off in place of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAnswer:
    """Pass so many bytes of the answer's body on, and break off."""

    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endless:
    """Answer with so many bytes."""

    size: int


Fault = Answer | Reset | Stall | LostReply | CutAnswer | Endless


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    size: int


class FaultFront:
    """Forwards to a server. ``spoil`` says what happens to the next requests, in order."""

    def __init__(self, server: str, resumable: str) -> None:
        self.server = server
        self.resumable = resumable
        self.seen: list[Seen] = []
        self.sent = 0
        """Bytes of endless answers that were sent."""
        self._faults: deque[tuple[str | None, Fault]] = deque()
        self._lock = threading.Lock()
        self.over = threading.Event()
        # It speaks to this machine alone: no certificates need to be loaded.
        self.client = httpx.Client(trust_env=False, timeout=30, verify=False)
        self.url = ""
        self.on_fault: Callable[[], None] = lambda: None
        """Called before a request is spoiled."""

    def spoil(self, *faults: Fault, method: str | None = None) -> None:
        """Spoil the next requests, of this method only if one is named."""
        self._faults.extend((method, fault) for fault in faults)

    @property
    def spent(self) -> bool:
        """Whether everything that was to be spoiled has been."""
        return not self._faults

    def note(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            if self._faults and self._faults[0][0] in (None, seen.method):
                return self._faults.popleft()[1]
            return None


@contextmanager
def fault_front(server: str, resumable: str = "") -> Iterator[FaultFront]:
    """Run a front on a free port until the block ends."""
    front = FaultFront(server, resumable)

    class Handler(_Handler):
        pass

    Handler.front = front
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    front.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield front
    finally:
        front.over.set()
        http.shutdown()
        thread.join()
        http.server_close()
        front.client.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: FaultFront

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        size = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.front.note(Seen(self.command, self.path, headers, size))
        if fault is not None:
            self.front.on_fault()
        match fault:
            case Reset(after=after):
                self._forward_a_part(headers, self.rfile.read(min(after, size)))
                self._break_off()
                return
            case Stall():
                self.front.over.wait(60)
                self._break_off()
                return
        body = self.rfile.read(size)
        match fault:
            case Answer():
                self._answer(fault.status, fault.headers, fault.body)
                return
            case Endless(size=length):
                self._endless(length)
                return
        answer = self._forward(headers, body)
        match fault:
            case LostReply():
                self._break_off()
            case CutAnswer(after=after):
                self._head(answer.status_code, dict(answer.headers), len(answer.content))
                self.wfile.write(answer.content[:after])
                self._break_off()
            case _:
                self._answer(answer.status_code, dict(answer.headers), answer.content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815  its names

    def _forward(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        kept = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
        return self.front.client.request(self.command, self._base() + self.path, headers=kept, content=body)

    def _forward_a_part(self, headers: dict[str, str], part: bytes) -> None:
        """Begin a request that announces the whole body, send a part of it, and vanish."""
        if not part:
            return
        base = urlsplit(self._base())
        assert base.hostname is not None
        lines = [
            f"{self.command} {self.path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        with socket.create_connection((base.hostname, base.port or 80)) as upstream:
            upstream.sendall("\r\n".join([*lines, "", ""]).encode() + part)
            # Time for the server to take them: what it does with them is what the test is about.
            upstream.settimeout(0.2)
            with suppress(TimeoutError):
                upstream.recv(1)

    def _base(self) -> str:
        resumable = self.path.startswith("/storage/v1/upload/resumable")
        return self.front.resumable if resumable else self.front.server

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._head(status, headers, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(length))
        self.end_headers()

    def _endless(self, length: int) -> None:
        self._head(200, {}, length)
        piece = b"x" * 65536
        try:
            while self.front.sent < length:
                self.wfile.write(piece)
                self.front.sent += len(piece)
        except OSError:
            # Whoever asked has enough.
            self.close_connection = True

    def _break_off(self) -> None:
        """End the connection with a reset, as a machine that dies does."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
