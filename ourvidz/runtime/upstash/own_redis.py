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

#: Runs a program until the input ends, which it also does when whoever holds its other end is killed.
_UNTIL_INPUT_ENDS = '"$@" & read -r _; kill $!; wait'


class RedisServerMissing(NotReady):
    """No Redis server was named, and none can be started here."""

    code = "redis_server_missing"


@contextmanager
def own_redis() -> Iterator[Server]:
    """Start ``redis-server`` on this machine alone, with its data in memory. It ends with this process.

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
            process = subprocess.Popen(
                ["sh", "-c", _UNTIL_INPUT_ENDS, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                # In a session of its own, so that Ctrl-C stops those who use it first.
                start_new_session=True,
            )
        try:
            _await(server, log)
            yield server
        finally:
            process.communicate()


def _await(server: Server, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    with closing(TcpConnection(server)) as connection:
        while True:
            try:
                connection.command("PING")
                return
            except QueueUnavailable:
                if time.monotonic() > deadline:
                    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
                    raise RedisServerMissing(f"redis-server did not start: {last}") from None
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
