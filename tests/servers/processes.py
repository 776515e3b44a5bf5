"""Servers as real processes: on a free port of the loopback, and ended by their id."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

#: Below those that the system gives to outgoing connections: none of these takes a port away between
#: the choice and the server's start.
PORTS = range(12_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on just now."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stop: int = signal.SIGTERM,
    seconds: float = 60.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends. Fails with its log if it ends by itself or is never ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
        )
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            told = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}: {told}"
            assert time.monotonic() < deadline, f"{command[0]} was not ready in {seconds} s: {told}"
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
