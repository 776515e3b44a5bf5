"""The catalog: every job type of a deployment with what it refers to, checked and immutable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ourvidz.errors import NotFound
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import JobType, Limits
from ourvidz.spec.settings import BucketEntry, ModelEntry, QueueEntry, Settings


class UnknownJobType(NotFound):
    """The catalog has no job type of this name."""

    code = "unknown_job_type"


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Job types by id, and every queue, bucket and model that they name with its defaults filled in.

    Made by :func:`ourvidz.spec.checks.build_catalog`, which refuses what does not fit together.
    All mappings are sorted by name and must not be changed.
    """

    job_types: Mapping[str, JobType]
    queues: Mapping[str, QueueEntry]
    buckets: Mapping[str, BucketEntry]
    models: Mapping[str, ModelEntry]
    settings: Settings

    def __getitem__(self, id: str) -> JobType:
        """Return a job type. Raises UnknownJobType with the nearest known name."""
        job_type = self.job_types.get(id)
        if job_type is None:
            meant = nearest(id, self.job_types)
            hint = f", did you mean {meant}?" if meant else f"; known: {', '.join(self.job_types)}"
            raise UnknownJobType(f"there is no job type {id!r}{hint}")
        return job_type

    def of_family(self, family: str) -> tuple[JobType, ...]:
        """The job types that one family's worker makes."""
        return tuple(one for one in self.job_types.values() if one.family == family)

    def model_name(self, job_type: JobType) -> str:
        """The key in ``models`` of what makes a job type."""
        return job_type.model or job_type.family

    def limits(self, job_type: JobType) -> Limits:
        """How much of a job type one user may ask for: what it says, else what the settings say of all."""
        own, default = job_type.limits or Limits(), self.settings.limits
        return Limits(waiting=own.waiting or default.waiting, per_minute=own.per_minute or default.per_minute)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of job types, queues, buckets and settings, of all that generated files depend on."""
        settings = self.settings.model_dump(mode="json", include={"input_bucket", "input_urls", "limits"})
        content = {"settings": settings} | {
            name: {key: entry.model_dump(mode="json") for key, entry in table.items()}
            for name, table in (
                ("job_types", self.job_types),
                ("queues", self.queues),
                ("buckets", self.buckets),
            )
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
