"""Catalogs built in memory, for generators that never read a file."""

from __future__ import annotations

from typing import Any

from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import Display, JobType
from ourvidz.spec.settings import BucketEntry, QueueEntry, Settings


def job_type(id: str, **fields: Any) -> JobType:
    """A job type with ordinary values in the fields that a test does not speak of."""
    ordinary = {
        "worker": "SDXL",
        "queue": "sdxl_queue",
        "content_type": "image",
        "resolution": "1024x1024",
        "steps": 15,
        "guidance": 6.0,
        "expected_time": "5s",
        "storage_bucket": "sdxl_fast",
        "quality_tier": "fast",
    }
    return JobType.model_validate({"id": id} | ordinary | fields)


def catalog(*job_types: JobType) -> Catalog:
    """A catalog of these job types, whatever order they come in."""
    return Catalog(
        job_types={one.id: one for one in sorted(job_types, key=lambda one: one.id)},
        queues={name: QueueEntry() for name in sorted({one.queue for one in job_types})},
        buckets={name: BucketEntry() for name in sorted({one.storage_bucket for one in job_types})},
        models={},
        settings=Settings(),
    )


def _sdxl(id: str, name: str, badge: str, **fields: Any) -> JobType:
    return job_type(id, display=Display(name=name, badge=badge), **fields)


def _wan(id: str, name: str, badge: str, **fields: Any) -> JobType:
    wan = {"worker": "WAN", "queue": "wan_queue", "resolution": "832x480", "storage_bucket": id}
    return job_type(id, display=Display(name=name, badge=badge), **(wan | fields))


#: The plan's six job types of phase 1, with the names and badges of its job selector.
PHASE_1 = (
    _sdxl("sdxl_image_fast", "SDXL Fast", "ULTRA FAST", fallback="image_fast"),
    _sdxl(
        "sdxl_image_high",
        "SDXL High",
        "HIGH QUALITY",
        steps=25,
        guidance=7.5,
        expected_time="8s",
        storage_bucket="sdxl_high",
        quality_tier="high",
        fallback="image_high",
    ),
    _wan("image_fast", "WAN Fast", "BACKUP", steps=12, expected_time="73s", quality_tier="backup"),
    _wan(
        "image_high",
        "WAN High",
        "BACKUP",
        steps=25,
        guidance=7.5,
        expected_time="90s",
        quality_tier="backup",
    ),
    _wan(
        "video_fast",
        "Video Fast",
        "VIDEO",
        content_type="video",
        resolution="480x832",
        duration="5s",
        guidance=6.5,
        expected_time="180s",
    ),
    _wan(
        "video_high",
        "Video High",
        "HD VIDEO",
        content_type="video",
        duration="6s",
        steps=25,
        guidance=8.0,
        expected_time="280s",
        quality_tier="high",
    ),
)

#: The plan's two job types of phase 2.
PHASE_2 = (
    _sdxl(
        "sdxl_image_premium",
        "SDXL Premium",
        "PREMIUM",
        phase=2,
        resolution="1280x1280",
        steps=40,
        guidance=8.5,
        expected_time="12s",
        storage_bucket="sdxl_premium",
        quality_tier="premium",
        fallback="image_high",
    ),
    _sdxl(
        "sdxl_img2img",
        "SDXL Image to Image",
        "IMG2IMG",
        phase=2,
        steps=20,
        guidance=7.0,
        strength=0.75,
        expected_time="6s",
        storage_bucket="sdxl_img2img",
        quality_tier="img2img",
        requires="init_image_upload",
    ),
)
