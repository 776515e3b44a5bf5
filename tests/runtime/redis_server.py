"""Real Redis servers: processes on loopback, with their data in a temporary folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class RedisServer:
    """A ``redis-server`` that a test starts, kills and starts again on the same data."""

    def __init__(self, folder: Path, *options: str, certificates: Path | None = None) -> None:
        """``certificates``: a folder with ca.pem and key.pem, to speak TLS on a port of its own as well."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.tls_port = free_port()
        self._options = [*options]
        if certificates is not None:
            for option, file in [("cert", "ca.pem"), ("key", "key.pem"), ("ca-cert", "ca.pem")]:
                self._options += [f"--tls-{option}-file", str(certificates / file)]
            self._options += ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "expected a server that was started"
        return self._process.pid

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "expected redis-server, as .ci/run installs it"
        common = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        with (self.folder / "log").open("ab") as log:
            # Python ignores the signal of a file that grows too large: a full disk sends none either.
            self._process = subprocess.Popen(
                [program, *common, *self._options], stdout=log, stderr=log, restore_signals=False
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server never answered"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut of the process does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
