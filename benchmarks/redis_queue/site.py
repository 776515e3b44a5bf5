"""A project on a Redis server, whose jobs are no work."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.project import Project
from tests.runtime.redis_server import RedisServer

REPOSITORY = Path(__file__).parents[2]
QUEUE = "noop_queue"

JOB_TYPE = f"""\
worker: NOOP
queue: {QUEUE}
content_type: image
resolution: 16x16
steps: 1
guidance: 1.0
expected_time: 1s
storage_bucket: noop_fast
quality_tier: fast
thumbnail: 0
"""

SETTINGS = f"""\
plugins: ["{REPOSITORY / "benchmarks/redis_queue/noop"}"]
backends: {{storage: "noop:", callback: "noop:"}}
review: {{outputs: elsewhere}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """The folder of the project, and the server."""

    root: Path
    server: RedisServer

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def project(self) -> Project:
        return Project.open(jobtypes=self.root / "jobtypes", config=self.root / "ourvidz.yaml")

    def push(self, jobs: int) -> None:
        """As producers do: plain LPUSHes onto the list."""
        with self.server.client() as client:
            for start in range(0, jobs, 1000):
                pipeline = client.pipeline(transaction=False)
                for number in range(start, min(jobs, start + 1000)):
                    pipeline.lpush(QUEUE, payload(number))
                pipeline.execute()

    def flush(self) -> None:
        with self.server.client() as client:
            client.flushall()

    def worker(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a worker that says what ``worker.py`` has it say."""
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.redis_queue.worker", str(self.root), *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )


@contextmanager
def opened() -> Iterator[Site]:
    """A new server, without a disk, and a new folder."""
    with tempfile.TemporaryDirectory(prefix="ourvidz-bench-") as folder:
        root = Path(folder)
        (root / "jobtypes").mkdir()
        (root / "jobtypes/noop_fast.yaml").write_text(JOB_TYPE)
        (root / "ourvidz.yaml").write_text(SETTINGS)
        server = RedisServer(root / "redis")
        server.start()
        try:
            with mock.patch.dict(os.environ, {"OURVIDZ_QUEUE_URL": server.url}):
                yield Site(root, server)
        finally:
            server.stop()


def payload(number: int) -> bytes:
    """A version 1 envelope of ordinary size."""
    return Envelope(
        job_id=str(uuid.uuid4()),
        job_type="noop_fast",
        user_id=LOCAL_USER,
        prompt="a lighthouse above the sea in the evening, oil on canvas",
        seed=number,
        submitted_at=datetime.now(UTC),
        metadata={"project": "demo"},
    ).to_payload()


def redis_version(server: RedisServer) -> str:
    with server.client() as client:
        info = client.info("server")
        assert isinstance(info, dict)
        return str(info["redis_version"])
