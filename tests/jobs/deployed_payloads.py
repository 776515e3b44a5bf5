"""What deployed edge functions push, as they push it."""

from __future__ import annotations

import json
from typing import Any

JOB = "3f0d9c56-0000-4000-8000-00000000000a"
USER = "3f0d9c56-0000-4000-8000-00000000000b"
IMAGE = "3f0d9c56-0000-4000-8000-00000000000c"

JULY_2025: dict[str, Any] = {
    "jobId": JOB,
    "videoId": None,
    "imageId": IMAGE,
    "userId": USER,
    "jobType": "sdxl_image_fast",
    "format": "image",
    "quality": "fast",
    "modelType": "sdxl_image_fast",
    "modelVariant": "lustify_sdxl",
    "prompt": "a lighthouse above the sea",
    "characterId": None,
    "isSDXL": True,
    "bucket": "sdxl_image_fast",
    "metadata": {"num_images": 3, "project": "demo"},
    "timestamp": "2025-07-01T12:00:00.000Z",
}

LATEST: dict[str, Any] = {
    "id": JOB,
    "type": "sdxl_image_high",
    "prompt": "a lighthouse above the sea",
    "user_id": USER,
    "config": {
        "num_images": 6,
        "num_inference_steps": 25,
        "guidance_scale": 7.5,
        "denoise_strength": 0.6,
        "resolution": "1024x1024",
        "seed": 42,
        "image": None,
        "first_frame": None,
        "last_frame": None,
    },
    "metadata": {"reference_image_url": None, "project": "demo"},
    "negative_prompt": "blurry",
    "job_id": JOB,
    "job_type": "sdxl_image_high",
    "quality": "high",
    "format": "image",
    "content_type": "image",
}


def encoded(fields: object) -> bytes:
    """As ``JSON.stringify`` writes it."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def wrapped(fields: object) -> bytes:
    """As ``JSON.stringify([JSON.stringify(p)])`` writes it."""
    return encoded([encoded(fields).decode()])


def changed(fields: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """The same fields with one of them set; ``config.seed`` reaches inside."""
    outer, _, inner = name.partition(".")
    return fields | {outer: fields.get(outer, {}) | {inner: value} if inner else value}
