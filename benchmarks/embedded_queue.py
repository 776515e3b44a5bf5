"""How fast the embedded queue is: ``python benchmarks/embedded_queue.py [--json]``.

A full cycle is what a job needs of the queue: push, claim, complete. Beside it stands the same with
its event taken from the outbox and delivered. Both are measured with and without waiting for the
disk, and a claim with 10 to 100,000 jobs waiting behind the one that is claimed.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.runtime.queue.sqlite.database import Synchronous

#: Full cycles a second that the queue is meant to reach on two ordinary cores with an SSD.
TARGETS: dict[Synchronous, float] = {"full": 600, "normal": 3000}

JOB_TYPES = ("sdxl_image_fast", "sdxl_image_high")
WAITING = (10, 1_000, 100_000)


def payload(number: int = 0) -> bytes:
    """A version 1 envelope of ordinary size."""
    return Envelope(
        job_id=str(uuid.uuid4()),
        job_type=JOB_TYPES[number % len(JOB_TYPES)],
        user_id=LOCAL_USER,
        prompt="a lighthouse above the sea in the evening, oil on canvas",
        seed=number,
        submitted_at=datetime.now(UTC),
        metadata={"project": "demo"},
    ).to_payload()


def result(claim: Claim) -> Result:
    """A result without assets."""
    return Result(
        job_type=claim.job_type,
        effective_job_type=claim.job_type,
        spec_digest="sha256:" + "0" * 64,
        submitted_digest=None,
        attempt=claim.attempt,
        assets=(),
        parameters={"steps": 20, "guidance": 7.5},
        fingerprint={"device": "cpu"},
        reviews={"policy": "passed"},
        seconds={"denoise": 1.0},
    )


def claim(queue: SqliteQueue) -> Claim:
    """Take a job that must be there."""
    taken = queue.claim(["sdxl_queue"], worker="bench", lease_seconds=30.0, nonce=uuid.uuid4().hex)
    assert taken is not None
    return taken


def cycle(queue: SqliteQueue, pushed: bytes) -> None:
    """Take one job from its arrival to its end."""
    queue.push("sdxl_queue", pushed)
    taken = claim(queue)
    queue.complete(taken.lease, result(taken))


def delivered_cycle(queue: SqliteQueue, pushed: bytes) -> None:
    """Take one job from its arrival until its end has been told."""
    cycle(queue, pushed)
    for entry in queue.outbox.claim(limit=1, lease_seconds=30.0):
        queue.outbox.delivered(entry)


@contextmanager
def opened(synchronous: Synchronous) -> Iterator[SqliteQueue]:
    """A new queue in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="ourvidz-bench-") as folder,
        closing(SqliteQueue(Path(folder) / "queue.sqlite3", synchronous=synchronous)) as queue,
    ):
        yield queue


def cycles_per_second(
    cycle: Callable[[SqliteQueue, bytes], None], synchronous: Synchronous, count: int
) -> float:
    """Cycles a second, one after another, on a queue where nothing else waits."""
    payloads = [payload(number) for number in range(count)]
    with opened(synchronous) as queue:
        for pushed in payloads[: count // 10]:
            cycle(queue, pushed)
        rest = payloads[count // 10 :]
        start = time.perf_counter()
        for pushed in rest:
            cycle(queue, pushed)
        return len(rest) / (time.perf_counter() - start)


def claim_microseconds(waiting: Sequence[int], count: int) -> dict[int, float]:
    """Median time of a claim while so many jobs wait, without waiting for the disk."""
    medians = {}
    with opened("normal") as queue:
        pushed = 0
        for level in waiting:
            for number in range(pushed, level):
                queue.push("sdxl_queue", payload(number))
            pushed = level
            medians[level] = statistics.median(_claims(queue, count)) * 1e6
    return medians


def _claims(queue: SqliteQueue, count: int) -> Iterator[float]:
    """Claim and complete a job, and push another, so that always as many wait."""
    for number in range(count):
        start = time.perf_counter()
        taken = claim(queue)
        yield time.perf_counter() - start
        queue.complete(taken.lease, result(taken))
        queue.push("sdxl_queue", payload(number))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
@click.option("--cycles", default=3000, show_default=True, help="Full cycles to measure.")
def main(as_json: bool, cycles: int) -> None:
    """Measure the embedded queue on the disk that holds the temporary folder."""
    rates = {level: cycles_per_second(cycle, level, cycles) for level in TARGETS}
    delivered = {level: cycles_per_second(delivered_cycle, level, cycles) for level in TARGETS}
    claims = claim_microseconds(WAITING, 300)
    if as_json:
        figures = {"cycles_per_second": rates, "delivered_per_second": delivered, "target": TARGETS}
        click.echo(json.dumps(figures | {"claim_microseconds": claims}))
        return
    click.echo("full cycles a second (push, claim, complete)")
    for level, rate in rates.items():
        told = f"{delivered[level]:.0f} with the event delivered"
        click.echo(f"  synchronous={level:<8} {rate:>8.0f}   target {TARGETS[level]:>6.0f}   {told}")
    click.echo("a claim while so many jobs wait, median")
    for waiting, microseconds in claims.items():
        click.echo(f"  {waiting:>8,} waiting   {microseconds:>8.0f} µs")


if __name__ == "__main__":
    main()
