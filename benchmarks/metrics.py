"""What being watched costs a worker: ``python benchmarks/metrics.py [--json]``.

The share of one core that its metrics take at 10 jobs a second of 20 steps each, while they are asked
every 15 seconds over HTTP, with a thousand jobs waiting. The aim is 1 %; above it the exit status is 1.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.jobs.queue import Claim, Lease
from ourvidz.jobs.results import Result
from ourvidz.project import Project
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.telemetry.metrics import Metrics
from ourvidz.runtime.telemetry.server import Answers, HealthServer

AIM = 0.01

JOBS_A_SECOND = 10
STEPS = 20
SECONDS_BETWEEN_LOOKS = 15

JOBS, LOOKS, WAITING = 2_000, 50, 1_000


def payload() -> bytes:
    """An envelope of ordinary size."""
    return Envelope(
        job_id=str(uuid.uuid4()),
        job_type="sdxl_image_fast",
        user_id=LOCAL_USER,
        prompt="a lighthouse above the sea in the evening, oil on canvas",
        submitted_at=datetime.now(UTC),
    ).to_payload()


def cpu_seconds(work: Callable[[int], None], times: int) -> float:
    """CPU seconds of this process, its threads included, for one of so many times."""
    before = time.process_time()
    for number in range(times):
        work(number)
    return (time.process_time() - before) / times


def one_job(metrics: Metrics) -> Callable[[int], None]:
    """Everything that a worker says of a job that it makes."""
    claims = [
        Claim(
            lease=Lease(job_id=f"{number:032}", token=1),
            queue="sdxl_queue",
            job_type="sdxl_image_fast",
            rerouted=False,
            attempt=1,
            payload=payload(),
        )
        for number in range(JOBS)
    ]
    stages = {"load": 0.0, "generate": 3.4, "check": 0.1, "encode": 0.2, "store": 0.3}
    made = Result(
        job_type="sdxl_image_fast",
        effective_job_type="sdxl_image_fast",
        spec_digest="sha256:" + "0" * 64,
        submitted_digest=None,
        attempt=1,
        assets=(),
        parameters={},
        fingerprint={},
        reviews={},
        seconds=stages,
    )

    def work(number: int) -> None:
        claim = claims[number]
        metrics.job_started(claim)
        for step in range(STEPS):
            metrics.step(claim.lease.job_id, "denoise", step, STEPS)
        metrics.job_completed(claim, made, 4.0)
        metrics.job_told(claim.lease.job_id, ())

    return work


@click.command()
@click.option("--json", "as_json", is_flag=True)
def main(as_json: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "ourvidz.yaml")
        settings.write_text("")
        project = Project.open(config=settings, jobtypes="jobtypes")
        queue = open_queue(project)
        for _ in range(WAITING):
            queue.push("sdxl_queue", payload())
        queue.close()
        metrics = Metrics("sdxl", project.catalog, lambda: open_queue(project))
        job = cpu_seconds(one_job(metrics), JOBS)
        with HealthServer("127.0.0.1", 0, Answers(lambda: True, metrics.text)) as server:

            def look(_: int) -> None:
                with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
                    answer.read()

            asked = cpu_seconds(look, LOOKS)
    share = job * JOBS_A_SECOND + asked / SECONDS_BETWEEN_LOOKS
    if as_json:
        found = {"job_seconds": job, "look_seconds": asked, "share_of_a_core": share, "aim": AIM}
        print(json.dumps(found | {"at": datetime.now(UTC).isoformat()}, indent=2))
    else:
        print(f"a job {job * 1e6:.0f} µs, a look {asked * 1e3:.1f} ms of CPU time, who looks included")
        print(f"at {JOBS_A_SECOND} jobs a second: {share:.2%} of one core, aim {AIM:.0%}")
    sys.exit(0 if share <= AIM else 1)


if __name__ == "__main__":
    main()
