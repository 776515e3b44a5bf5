"""How other commands reach the supervisor: a socket in the project's ``data`` folder, of one user alone.

A question is one line of JSON with a ``command``; the answer is one as well.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ourvidz.errors import NotReady

_SOCKET = "up.sock"
_LOCK = "up.lock"

#: Bytes of the longest question.
_LONGEST = 4096

#: Seconds that whoever is asked may take, and whoever asks may take to read.
_PATIENCE = 10.0

Answer = Callable[[str], dict[str, Any]]


class AlreadyUp(NotReady):
    """Another ``ourvidz up`` runs the workers of this project."""

    code = "already_up"


class NotUp(NotReady):
    """No ``ourvidz up`` runs the workers of this project."""

    code = "not_up"


class Control:
    """The supervisor's end. One process of a project can have it; it is free when that one ends."""

    def __init__(self, root: Path, selector: selectors.BaseSelector, answer: Answer) -> None:
        """Listen in the project's folder ``root``. Raises AlreadyUp, OSError."""
        self._selector, self._answer = selector, answer
        folder = root / "data"
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            lock = stack.enter_context((folder / _LOCK).open("a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyUp(
                    f"{folder / _LOCK}: another ourvidz up runs the workers of this folder; `ourvidz ps` "
                    "shows them, `ourvidz reload` lets them read changed settings"
                ) from None
            path = folder / _SOCKET
            path.unlink(missing_ok=True)
            self._listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            # Nobody else may so much as connect while it is not yet closed to them.
            before = os.umask(0o177)
            try:
                with _short(path) as short:
                    self._listener.bind(short)
            finally:
                os.umask(before)
            stack.callback(path.unlink, missing_ok=True)
            self._listener.setblocking(False)
            self._listener.listen()
            selector.register(self._listener, selectors.EVENT_READ, self._accept)
            self._close = stack.pop_all()

    def close(self) -> None:
        self._close.close()

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._serve(connection))

    def _serve(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        with closing(connection), suppress(OSError, ValueError):
            question = json.loads(connection.recv(_LONGEST))
            answer = json.dumps(self._answer(str(question["command"])) if isinstance(question, dict) else {})
            # A few workers fit into the socket's buffer; whoever does not read gets no more than that.
            connection.sendall(answer.encode() + b"\n")


def ask(root: Path, command: str) -> dict[str, Any]:
    """Ask the supervisor of the project in ``root``. Raises NotUp."""
    path = root / "data" / _SOCKET
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE)
        try:
            with _short(path) as short:
                connection.connect(short)
            connection.sendall(json.dumps({"command": command}).encode() + b"\n")
            with connection.makefile() as reader:
                answer: dict[str, Any] = json.loads(reader.read())
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "no answer"
            raise NotUp(
                f"{path}: {why}; expected an ourvidz up that runs in {root}. Start one, or name its settings "
                "with --config"
            ) from None
    return answer


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of a socket by its folder: a path of more than 107 bytes is none."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
