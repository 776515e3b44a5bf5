"""The text of a new job type's file: complete, valid, and to be changed."""

from __future__ import annotations

from ourvidz.spec.identifiers import check_identifier
from ourvidz.spec.job_type import ContentType
from ourvidz.spec.schema import MODELINE
from ourvidz.spec.units import Resolution

_TEXT = """\
{modeline}
# {name}: say in a sentence what it is for.
worker: {worker}
queue: {queue}
content_type: {content_type}
resolution: {resolution}  # width x height in pixels
{length}steps: 20
guidance: 6.0
expected_time: {expected_time}  # what users are told until the first jobs have been measured
storage_bucket: {id}
quality_tier: standard

display:
  name: {name}
  badge: NEW

# What a request may choose by itself, and within what bounds.
params:
  steps: {{min: 10, max: 40}}
  guidance: {{min: 1.0, max: 12.0}}
"""


def scaffold(
    id: str, *, worker: str, content_type: ContentType, resolution: Resolution, queue: str | None = None
) -> str:
    """Write a job type's file, with a queue of the worker's and a bucket of its own.

    Raises ValueError if ``id`` cannot be a job type's.
    """
    check_identifier(id)
    is_video = content_type == "video"
    return _TEXT.format(
        modeline=MODELINE,
        id=id,
        name=id.replace("_", " ").capitalize(),
        worker=worker.upper(),
        queue=queue or f"{worker.lower()}_queue",
        content_type=content_type,
        resolution=resolution,
        length="duration: 5s\n" if is_video else "",
        expected_time="180s" if is_video else "10s",
    )
