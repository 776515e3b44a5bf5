"""A claim, and a job's position, while up to a million jobs wait."""

from __future__ import annotations

import statistics
import time
import uuid
from contextlib import closing

import click

from benchmarks.embedded_queue import result
from benchmarks.redis_queue.site import QUEUE, Site, payload
from ourvidz.jobs.queue import Queue
from ourvidz.runtime.backends import open_queue

WAITING = (10, 1_000, 100_000, 1_000_000)

#: What producers push before it is filed.
PORTION = 20_000


def medians(site: Site, waiting: tuple[int, ...], count: int) -> list[dict[str, float]]:
    """Median microseconds of a claim and of a position at each level."""
    site.flush()
    found = []
    with closing(open_queue(site.project())) as queue:
        pushed = 0
        for level in waiting:
            while pushed < level:
                portion = min(PORTION, level - pushed)
                site.push(portion)
                pushed += portion
                queue.depths()
            click.echo(f"{level:,} wait", err=True)
            found.append({"waiting": level, **_at(queue, count)})
    return found


def _at(queue: Queue, count: int) -> dict[str, float]:
    """Claim and complete a job, push another and ask for its position: always as many wait."""
    claims, positions = [], []
    for number in range(count):
        start = time.perf_counter()
        taken = queue.claim([QUEUE], worker="bench", lease_seconds=30.0, nonce=uuid.uuid4().hex)
        claims.append(time.perf_counter() - start)
        assert taken is not None
        queue.complete(taken.lease, result(taken))
        body = payload(number)
        queue.push(QUEUE, body)
        [newest] = queue.jobs(limit=1)
        start = time.perf_counter()
        queue.ahead(newest.job_id)
        positions.append(time.perf_counter() - start)
    return {
        "claim": round(statistics.median(claims) * 1e6, 1),
        "position": round(statistics.median(positions) * 1e6, 1),
    }
