"""How long a job has to wait: measured times where there are any, the specs' where not.

Assumes one worker for each queue, so with more of them it is an upper bound.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ourvidz.jobs.queue import JobRecord, Queue, QueueDepth
from ourvidz.spec.catalog import Catalog


def job_seconds(queue: Queue, catalog: Catalog, job_type: str) -> float:
    """How long one job of a type takes, in seconds; 0 for a type that the catalog does not know."""
    measured = queue.typical_seconds(job_type)
    if measured is not None:
        return measured
    known = catalog.job_types.get(job_type)
    return known.expected_time if known else 0.0


def seconds_for(queue: Queue, catalog: Catalog, jobs: Mapping[str, int]) -> float:
    """How long so many jobs of each type take one after another, in seconds."""
    return sum(count * job_seconds(queue, catalog, job_type) for job_type, count in jobs.items())


def remaining_seconds(
    queue: Queue, catalog: Catalog, job: JobRecord, ahead: Mapping[str, int] | None
) -> float:
    """How long until a job is probably done, in seconds; 0 once it has ended.

    ``ahead`` is what the queue says of a waiting job; None for any other.
    """
    own = job_seconds(queue, catalog, job.effective_job_type)
    if job.state == "processing":
        elapsed = time.time() - (job.started_at or time.time())
        if job.progress is not None and job.progress.step:
            # What is seen says more than what is usual: of this job's size, on this machine.
            return elapsed * (job.progress.steps / job.progress.step - 1)
        return max(0.0, own - elapsed)
    if job.state != "queued":
        return 0.0
    return seconds_for(queue, catalog, ahead or {}) + own


def queue_seconds(queue: Queue, catalog: Catalog, depth: QueueDepth) -> float:
    """How long a job pushed now would wait until it starts, in seconds."""
    return seconds_for(queue, catalog, depth.waiting)
