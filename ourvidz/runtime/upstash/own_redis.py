"""A Redis server of one's own, for as long as it is needed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ourvidz.errors import NotReady
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.redis.location import Server
from ourvidz.runtime.queue.redis.tcp import TcpConnection

#: Seconds that a server may take to start.
PATIENCE = 10.0


class RedisServerMissing(NotReady):
    """No Redis server was named, and none can be started here."""

    code = "redis_server_missing"


@contextmanager
def own_redis() -> Iterator[Server]:
    """Start ``redis-server`` on this machine alone, with its data in memory; stop it at the end.

    Raises RedisServerMissing.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise RedisServerMissing(
            "there is no redis-server to start; install it (Debian: apt install redis-server, macOS: "
            "brew install redis) or name a running one: --redis redis://127.0.0.1:6379"
        )
    with tempfile.TemporaryDirectory(prefix="ourvidz-redis-") as folder:
        server = Server(host="127.0.0.1", port=_free_port())
        command = [program, "--bind", server.host, "--port", str(server.port), "--dir", folder, "--save", ""]
        log = Path(folder) / "log"
        with log.open("wb") as output:
            # In a session of its own, so that Ctrl-C stops those who use it first.
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            _await(server, process, log)
            yield server
        finally:
            process.terminate()
            process.wait()


def _await(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with closing(TcpConnection(server)) as connection:
            try:
                connection.command("PING")
                return
            except QueueUnavailable:
                if process.poll() is not None or time.monotonic() > deadline:
                    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
                    raise RedisServerMissing(f"redis-server did not start: {last}") from None
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
