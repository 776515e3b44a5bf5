"""Everything else that an edge function or a frontend has to know: job types, queues, buckets.

Field names are the spec's. Nothing is left to be computed from a name.
"""

from __future__ import annotations

from typing import Any

from ourvidz.jobs.request_schemas import parameter_defaults, parameter_schema, plain, request_schema
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import JobType

#: The TypeScript types of the tables below.
JOB_TYPE_SPEC = {
    "digest": ("string", "Of the spec; an envelope carries it as spec_digest."),
    "status": ('"active" | "retired"', "Whether it takes jobs."),
    "worker": ("WorkerType", "The worker that makes it."),
    "queue": ("string", "The queue that its jobs wait in."),
    "content_type": ("ContentType", "What comes out."),
    "quality_tier": ("string", "Name of the quality level."),
    "storage_bucket": ("string", "The bucket that results are stored in."),
    "expected_time": ("number", "Seconds that one job takes when nobody waits."),
    "timeout": ("number", "Longest time between two signs of progress, in seconds."),
    "max_attempts": ("number", "Starts before it is given up."),
    "batch": ("readonly number[]", "Numbers of images that a request may ask for."),
    "requires": ("readonly Input[]", "Inputs that a request must bring along."),
    "accepts": ("readonly Input[]", "Every input that a request may bring along."),
    "init_image": ("InitImageRules | null", "Which pictures it takes; null: none."),
    "defaults": ("Readonly<Record<string, Scalar>>", "Parameters that the spec sets."),
    "params": ("Readonly<Record<string, Schema>>", "What a request may choose, and within what bounds."),
    "limits": ("UserLimits", "How much one user may ask for."),
    "thumbnail": ("number", "Longest side of the thumbnail in pixels; 0: none."),
}
INIT_IMAGE_RULES = {
    "fit": ('"crop" | "pad" | "stretch"', "How a picture of another shape is fitted."),
    "max_pixels": ("number", "Width times height, at most."),
    "max_size": ("number", "Bytes of the file, at most."),
}
USER_LIMITS = {
    "waiting": ("number | null", "Jobs of this type that wait at a time; null: any number."),
    "per_minute": ("number | null", "Jobs of this type accepted in a minute; null: any number."),
}
QUEUE = {
    "purpose": ("string", "What it is for, for people."),
    "job_types": ("readonly JobType[]", "The job types that take jobs and wait in it."),
    "polling_interval": ("number", "Seconds between two looks of a worker that cannot block."),
    "push": ('"LPUSH" | "RPUSH"', "The command that producers push with."),
    "replaces": ("string | null", "An older queue, drained as well."),
}
BUCKET = {
    "purpose": ("string", "What it is for, for people."),
    "file_types": ("readonly string[]", "MIME types that it takes."),
    "max_size": ("number | null", "Bytes of the largest object; null: whatever the server allows."),
    "privacy": ('"private" | "public"', "Whether objects can be read without a signature."),
}


def spec_table(catalog: Catalog, met: list[JobType]) -> dict[str, dict[str, Any]]:
    """What each job type says."""
    return {one.id: _spec(catalog, one) for one in met}


def queue_table(catalog: Catalog, offered: list[JobType]) -> dict[str, dict[str, Any]]:
    """Every queue, and what waits in it."""
    waiting: dict[str, list[str]] = {name: [] for name in catalog.queues}
    for one in offered:
        waiting[one.queue].append(one.id)
    return {
        name: {
            "purpose": entry.purpose,
            "job_types": waiting[name],
            "polling_interval": plain(entry.polling_interval),
            "push": "LPUSH" if entry.push == "left" else "RPUSH",
            "replaces": entry.replaces,
        }
        for name, entry in catalog.queues.items()
    }


def bucket_table(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Every bucket."""
    return {
        name: {
            "purpose": entry.purpose,
            "file_types": [*entry.file_types],
            "max_size": entry.max_size,
            "privacy": entry.privacy,
        }
        for name, entry in catalog.buckets.items()
    }


def request_schemas(catalog: Catalog, offered: list[JobType]) -> dict[str, dict[str, Any]]:
    """What each job type that takes jobs takes of a request, as JSON Schema."""
    urls = catalog.settings.input_urls
    return {one.id: request_schema(one, input_urls=urls) for one in offered}


def _spec(catalog: Catalog, one: JobType) -> dict[str, Any]:
    rules, limits = one.picture_rules, catalog.limits(one)
    return {
        "digest": one.digest,
        "status": one.status,
        "worker": one.worker,
        "queue": one.queue,
        "content_type": one.content_type,
        "quality_tier": one.quality_tier,
        "storage_bucket": one.storage_bucket,
        "expected_time": plain(one.expected_time),
        "timeout": plain(one.timeout_seconds),
        "max_attempts": one.max_attempts,
        "batch": [*one.batch_sizes],
        "requires": [*one.required_inputs],
        "accepts": [*one.inputs],
        "init_image": {"fit": rules.fit, "max_pixels": rules.max_pixels, "max_size": rules.max_size}
        if one.inputs
        else None,
        "defaults": parameter_defaults(one),
        "params": {name: parameter_schema(name, bounds) for name, bounds in sorted(one.params.items())},
        "limits": {"waiting": limits.waiting, "per_minute": limits.per_minute},
        "thumbnail": one.thumbnail,
    }
