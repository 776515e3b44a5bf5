"""Those who push jobs, as producers do that know nothing of workers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.sqlite import SqliteQueue

QUEUE = "blank_queue"

#: Jobs of a few users, so that turns are taken.
USERS = [f"3f0d9c56-0000-4000-8000-00000000000{number}" for number in range(1, 4)]


class Producer(Protocol):
    """Pushes."""

    def push(self, payload: bytes) -> bool:
        """Push once; says whether it was acknowledged."""
        ...

    def close(self) -> None: ...


class RedisProducer:
    """A plain LPUSH. redis-py's own retries are off, so that every push is one."""

    def __init__(self, port: int) -> None:
        self._client = redis.Redis(port=port, retry=Retry(NoBackoff(), 0), socket_timeout=5)

    def push(self, payload: bytes) -> bool:
        try:
            self._client.lpush(QUEUE, payload)
        except redis.RedisError:
            return False
        return True

    def close(self) -> None:
        self._client.close()


class SqliteProducer:
    """What `ourvidz submit` does, on a queue file."""

    def __init__(self, path: Path) -> None:
        self._queue = SqliteQueue(path)

    def push(self, payload: bytes) -> bool:
        try:
            self._queue.push(QUEUE, payload)
        except QueueUnavailable:
            return False
        return True

    def close(self) -> None:
        self._queue.close()


def job(*, step_time: float = 0.0) -> Envelope:
    """A new job, whose prompt is its id, since that is all that a model is told."""
    job_id = str(uuid.uuid4())
    return Envelope(
        job_id=job_id,
        job_type="blank",
        user_id=USERS[uuid.UUID(job_id).int % len(USERS)],
        prompt=job_id,
        params={"step_time": step_time} if step_time else {},
        submitted_at=datetime.now(UTC),
    )
