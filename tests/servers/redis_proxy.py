"""A TCP proxy before a Redis that loses replies, and cuts everybody off, as it is told."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ourvidz.jobs.redis.scripts import script_of

#: What a script is called by those who run it: by its digest.
SCRIPTS = {
    name: script_of(name).digest
    for name in (
        "arrive",
        "beat",
        "claim",
        "file",
        "finish",
        "outbox_claim",
        "outbox_delivered",
        "outbox_failed",
        "put_back",
    )
}

#: The same script, where it ends a job before it hands out the next one.
COMPLETE_AND_CLAIM = "complete_and_claim"


class RedisProxy:
    """Forwards to a server. ``lose`` says whose next replies are lost; what was asked is done."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lost: Counter[str] = Counter()
        """Replies that were lost, by verb."""
        self._to_lose: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False
        self._is_cut = False
        self._thread = threading.Thread(target=self._accept, name="redis-proxy")
        self._thread.start()

    def lose(self, verb: str) -> None:
        """Lose the next reply to a command, such as LPUSH, or to one of :data:`SCRIPTS`, or to
        :data:`COMPLETE_AND_CLAIM`."""
        with self._lock:
            self._to_lose[verb] += 1

    def cut(self) -> None:
        """Nobody gets through any more."""
        with self._lock:
            self._is_cut = True
            self._break_all()

    def join(self) -> None:
        """Everybody gets through again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._break_all()
        # Closing alone does not wake whoever accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _break_all(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            with self._lock:
                if self._is_cut or self._is_closed:
                    return
                server = socket.create_connection(("127.0.0.1", self._server), timeout=60)
                self._open |= {client, server}
            is_lost = threading.Event()
            answers = threading.Thread(target=self._answer, args=[server, client, is_lost], daemon=True)
            answers.start()
            with server:
                try:
                    self._ask(client, server, is_lost)
                finally:
                    for one in (client, server):
                        with suppress(OSError):
                            one.shutdown(socket.SHUT_RDWR)
                    answers.join()
                    with self._lock:
                        self._open -= {client, server}

    def _ask(self, client: socket.socket, server: socket.socket, is_lost: threading.Event) -> None:
        """Pass commands on, one after the other."""
        with client.makefile("rb") as commands:
            while (command := _read(commands)) is not None:
                raw, parts = command
                verb = _verb(parts)
                with self._lock:
                    if self._to_lose[verb]:
                        self._to_lose[verb] -= 1
                        self.lost[verb] += 1
                        is_lost.set()
                server.sendall(raw)

    def _answer(self, server: socket.socket, client: socket.socket, is_lost: threading.Event) -> None:
        """Pass replies on, until one is lost, and the connection with it."""
        with suppress(OSError):
            while piece := server.recv(65536):
                if is_lost.is_set():
                    break
                client.sendall(piece)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _read(commands: BinaryIO) -> tuple[bytes, list[bytes]] | None:
    """A command as bytes and as its parts; None at the end. Clients send arrays of bulk strings."""
    head = commands.readline()
    if not head:
        return None
    raw, parts = [head], []
    for _ in range(int(head[1:])):
        size = commands.readline()
        part = commands.read(int(size[1:]) + 2)
        raw += [size, part]
        parts.append(part[:-2])
    return b"".join(raw), parts


def _verb(parts: list[bytes]) -> str:
    name = parts[0].decode().upper()
    if name == "EVALSHA":
        digest = parts[1].decode()
    elif name == "EVAL":
        digest = hashlib.sha1(parts[1], usedforsecurity=False).hexdigest()
    else:
        return name
    script = next((script for script, known in SCRIPTS.items() if known == digest), name)
    return COMPLETE_AND_CLAIM if script == "claim" and b'"job_id"' in parts[-1] else script


@contextmanager
def redis_proxy(port: int) -> Iterator[RedisProxy]:
    proxy = RedisProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
