"""What can be said of a request without a model: whether anybody takes it, and which seeds it has."""

from __future__ import annotations

import hashlib

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import MAX_SEED, Envelope
from ourvidz.spec.job_type import JobType


class JobTypeInactive(RequestInvalid):
    """The job type is planned or retired and takes no jobs."""

    code = "job_type_inactive"


def check_takes_jobs(job_type: JobType) -> None:
    """Raises JobTypeInactive."""
    if not job_type.takes_jobs:
        raise JobTypeInactive(f"{job_type.id} is {job_type.status} and takes no jobs")


def seeds(request: Envelope) -> tuple[int, ...]:
    """Seed ``i`` is the request's seed plus ``i``. Raises RequestInvalid beyond the largest seed.

    Without one it follows from the job's id, so that a job which starts again paints the same.
    """
    first = request.seed
    if first is None:
        first = int.from_bytes(hashlib.sha256(request.job_id.encode()).digest()[:4])
    if first + request.num_images - 1 > MAX_SEED:
        raise RequestInvalid(f"seed: {first} leaves no room for {request.num_images} images below 2^53")
    return tuple(first + index for index in range(request.num_images))
