"""What a bucket's entry allows, asked before an object goes there."""

from __future__ import annotations

from ourvidz.jobs.storage import StorageRefused
from ourvidz.spec.settings import BucketEntry


def check_fits(entry: BucketEntry, bucket: str, name: str, *, mime: str, size: int) -> None:
    """Raises StorageRefused for a type or a size, in bytes, that the bucket does not take."""
    if mime not in entry.file_types:
        raise StorageRefused(f"{name}: the bucket {bucket} takes {', '.join(entry.file_types)}, not {mime}")
    if entry.max_size is not None and size > entry.max_size:
        raise StorageRefused(f"{name} has {size} bytes, and the bucket {bucket} takes {entry.max_size}")
