"""One worker in a process of its own: ``python -m benchmarks.redis_queue.worker ROOT rate|starts JOBS``.

``rate`` prints the jobs a second, with everything that a picture takes; ``rate-alone`` leaves the picture
out, so that what is measured is what the other queues do as well. ``starts`` prints when each job started.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.redis_queue.peers.rate import Rate
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.project import Project
from ourvidz.runtime.making.maker import Job, Maker, MakingContext
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from ourvidz.spec.catalog import Catalog


class Nothing(Maker):
    """Makes nothing: no review, no picture, no file."""

    def make(self, job: Job, catalog: Catalog, context: MakingContext) -> Result:
        context.step("denoise", 1, 1)
        return Result(
            job_type=job.request.job_type,
            effective_job_type=job.job_type.id,
            spec_digest=job.job_type.digest,
            submitted_digest=None,
            attempt=job.claim.attempt,
            assets=(),
            parameters={},
            fingerprint={},
            reviews={},
            seconds={},
        )


@dataclass(slots=True)
class Counting(Observer):
    """Counts the jobs that are completed."""

    rate: Rate

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        self.rate.count()


class Starts(Observer):
    """Prints the monotonic time at which each job is handed to the worker."""

    def idle(self) -> None:
        print("idle", flush=True)

    def job_started(self, claim: Claim) -> None:
        print(time.monotonic(), flush=True)


def main(root: str, what: str, jobs: str) -> None:
    project = Project.open(jobtypes=Path(root) / "jobtypes", config=Path(root) / "ourvidz.yaml")
    observer = Starts() if what == "starts" else Counting(Rate(int(jobs)))
    with Worker(project, "noop", observer=observer) as worker:
        if what == "rate-alone":
            rules = worker._executor.rules
            maker = rules.maker
            nothing = Nothing(
                family=maker.family,
                models=maker.models,
                storage=maker.storage,
                review=maker.review,
                profile=maker.profile,
            )
            worker._executor.rules = replace(rules, maker=nothing)
        worker.prepare()
        worker.run(burst=what != "starts")


if __name__ == "__main__":
    main(*sys.argv[1:])
