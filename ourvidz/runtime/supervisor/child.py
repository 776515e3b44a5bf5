"""A child process, and what it prints, line by line as it comes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Literal

Stream = Literal["stdout", "stderr"]

#: Bytes of a line that is kept; what is longer is told in parts.
_LONGEST_LINE = 1 << 20


class Child:
    """A process in a session of its own, so that Ctrl-C in the terminal is not for it.

    Everything happens in ``selector``, whose keys hold functions to call when they are ready. Start it from
    the main thread: the kernel may end it with the thread that has started it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        selector: selectors.BaseSelector,
        heard: Callable[[Stream, str], None],
        ended: Callable[[int], None],
    ) -> None:
        """Start it. ``heard`` gets what it prints, ``ended`` its exit status, below zero for a signal.

        Raises OSError where it cannot be started.
        """
        self._process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._selector, self._heard, self._ended = selector, heard, ended
        self._pid_file = os.pidfd_open(self.pid)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._pipes = [_Pipe("stdout", self._process.stdout), _Pipe("stderr", self._process.stderr)]
        for pipe in self._pipes:
            os.set_blocking(pipe.file.fileno(), False)
            selector.register(pipe.file, selectors.EVENT_READ, lambda pipe=pipe: self._read(pipe))
        selector.register(self._pid_file, selectors.EVENT_READ, self._reap)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self) -> None:
        """Ask it to end, with SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self, pipe: _Pipe) -> bool:
        """Tell what can be read now; says whether there may be more."""
        try:
            chunk = os.read(pipe.file.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, pipe.rest = (pipe.rest + chunk).split(b"\n")
        if pipe.rest and (not chunk or len(pipe.rest) > _LONGEST_LINE):
            lines.append(pipe.rest)
            pipe.rest = b""
        for line in lines:
            self._heard(pipe.name, line.decode(errors="replace"))
        if not chunk:
            self._close(pipe)
        return bool(chunk)

    def _close(self, pipe: _Pipe) -> None:
        self._selector.unregister(pipe.file)
        pipe.file.close()
        self._pipes.remove(pipe)

    def _reap(self) -> None:
        # Before the process is waited for, since only until then its group is certainly its own.
        self.kill()
        for pipe in list(self._pipes):
            while self._read(pipe):
                pass
        for pipe in list(self._pipes):
            # Somebody in another session holds it open.
            self._close(pipe)
        self._selector.unregister(self._pid_file)
        os.close(self._pid_file)
        self._ended(self._process.wait())


@dataclass(slots=True)
class _Pipe:
    name: Stream
    file: IO[bytes]
    rest: bytes = field(default=b"")
