"""What ``ourvidz.yaml`` need not say: the plan's queues and buckets, and defaults for any other name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ourvidz.spec.job_type import ContentType
from ourvidz.spec.settings import BucketEntry, QueueEntry, Settings

E = TypeVar("E", QueueEntry, BucketEntry)

#: What a worker writes for a content type.
MIME_TYPES: Mapping[ContentType, str] = {"image": "image/png", "video": "video/mp4"}

THUMBNAIL_MIME_TYPE = "image/webp"

#: What users' own pictures may be.
INPUT_MIME_TYPES = ("image/png", "image/jpeg", "image/webp")

#: Section 4.3.1 of the plan.
QUEUES: Mapping[str, QueueEntry] = {
    "sdxl_queue": QueueEntry(purpose="LUSTIFY SDXL worker jobs", polling_interval=2.0),
    "wan_queue": QueueEntry(purpose="WAN 2.1 worker jobs", polling_interval=5.0, replaces="job_queue"),
}


def _images(purpose: str, max_size: int | None = None) -> BucketEntry:
    return BucketEntry(purpose=purpose, file_types=(MIME_TYPES["image"],), max_size=max_size)


def _videos(purpose: str) -> BucketEntry:
    return BucketEntry(purpose=purpose, file_types=(MIME_TYPES["video"],))


#: The bucket that users' own pictures are put into, whatever it is called.
INPUT_BUCKET = BucketEntry(
    purpose="Pictures that jobs start from", file_types=INPUT_MIME_TYPES, max_size=20 * 2**20
)

#: Sections 4.1.2 and 9.3 of the plan, which limits the size of two of them.
BUCKETS: Mapping[str, BucketEntry] = {
    "sdxl_fast": _images("SDXL fast image generation", max_size=20 * 2**20),
    "sdxl_high": _images("SDXL high quality image generation", max_size=30 * 2**20),
    "sdxl_premium": _images("1280x1280 images"),
    "sdxl_img2img": _images("Image-to-image transformations"),
    "image_fast": _images("WAN backup images"),
    "image_high": _images("WAN backup images"),
    "video_fast": _videos("WAN videos"),
    "video_high": _videos("WAN videos"),
    Settings().input_bucket: INPUT_BUCKET,
}


def queue_entry(settings: Settings, name: str) -> QueueEntry:
    """A queue as the settings have it; what they leave open is the plan's, or the entry's default."""
    return _over(QUEUES.get(name, QueueEntry()), settings.queues.get(name))


def bucket_entry(settings: Settings, name: str) -> BucketEntry:
    """A bucket as the settings have it; what they leave open is the plan's, or the entry's default."""
    default = INPUT_BUCKET if name == settings.input_bucket else BUCKETS.get(name, BucketEntry())
    return _over(default, settings.buckets.get(name))


def _over(default: E, written: E | None) -> E:
    if written is None:
        return default
    return default.model_copy(update={name: getattr(written, name) for name in written.model_fields_set})
