"""Jobs, results and failures for tests."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pydantic import JsonValue

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Asset, Fallback, Result, StoredFile
from ourvidz.jobs.states import Failure, Reason

USER = "3f0d9c56-0000-4000-8000-000000000001"
OTHER_USER = "3f0d9c56-0000-4000-8000-000000000002"
FAILURE = Failure(code="out_of_memory", message="the GPU has no room for this job")
SUBMITTED = datetime(2025, 7, 1, 12, 0, tzinfo=UTC)

#: With everything that a result may say.
FULL_RESULT = Result(
    job_type="video_fast",
    effective_job_type="video_fast",
    spec_digest="sha256:" + "0" * 64,
    submitted_digest=None,
    attempt=1,
    assets=(
        Asset(
            bucket="video_fast",
            path="u/j/1-0.mp4",
            mime="video/mp4",
            size=1,
            sha256="0" * 64,
            type="video",
            index=0,
            seed=7,
            width=832,
            height=480,
            frames=81,
            duration=5.0625,
            thumbnail=StoredFile(
                bucket="video_fast", path="u/j/1-0.webp", mime="image/webp", size=1, sha256="0" * 64
            ),
        ),
    ),
    fallback=Fallback(because=Reason(code="timed_out", message="late"), dropped={"guidance": 6.5}),
    parameters={"steps": 20},
    fingerprint={"device": "cpu"},
    reviews={"policy": "passed"},
    seconds={"denoise": 1.5},
)


def job_id(number: int) -> str:
    """The same id for the same number."""
    return str(uuid.UUID(int=number + 1, version=4))


def envelope(
    number: int = 0,
    *,
    job_type: str = "sdxl_image_fast",
    priority: int = 0,
    user: str = USER,
    metadata: dict[str, JsonValue] | None = None,
) -> Envelope:
    return Envelope(
        job_id=job_id(number),
        job_type=job_type,
        user_id=user,
        prompt="a lighthouse above the sea",
        priority=priority,
        submitted_at=SUBMITTED,
        metadata=metadata or {},
    )


def payload(
    number: int = 0, *, job_type: str = "sdxl_image_fast", priority: int = 0, user: str = USER
) -> bytes:
    return envelope(number, job_type=job_type, priority=priority, user=user).to_payload()


def result(claim: Claim) -> Result:
    return Result(
        job_type="sdxl_image_fast",
        effective_job_type=claim.job_type,
        spec_digest="sha256:" + "0" * 64,
        submitted_digest=None,
        attempt=claim.attempt,
        assets=(),
        parameters={"steps": 20},
        fingerprint={"device": "cpu"},
        reviews={"policy": "passed"},
        seconds={"denoise": 1.5},
    )
