"""What a bucket's entry allows, asked before an object goes there."""

from __future__ import annotations

from ourvidz.jobs.storage import StorageRefused
from ourvidz.plugins.file_types import describe, detect
from ourvidz.spec.settings import BucketEntry


def check_fits(entry: BucketEntry, bucket: str, name: str, data: bytes, *, mime: str) -> None:
    """Raises StorageRefused for bytes that are not of this type, and for what the bucket does not take.

    Nobody else looks: a storage server believes whatever type it is told.
    """
    found = detect(data)
    if found != mime:
        raise StorageRefused(f"{name}: found {found or describe(data)}, expected {mime}")
    if mime not in entry.file_types:
        raise StorageRefused(f"{name}: the bucket {bucket} takes {', '.join(entry.file_types)}, not {mime}")
    if entry.max_size is not None and len(data) > entry.max_size:
        raise StorageRefused(f"{name} has {len(data)} bytes, and the bucket {bucket} takes {entry.max_size}")
