"""The tables that edge functions and frontends import, under the names they are known by.

Who stands where:

- A job type that takes jobs (status active) can be asked for: ``QUEUE_ROUTING`` has those of phase
  1, ``PHASE_2_ROUTING`` those of phase 2, ``JOB_TYPES`` all of them. Nothing else depends on the
  phase.
- A retired job type cannot be asked for, but its jobs are still in the database, in buckets and
  perhaps in a queue. So it stays in the ``JobType`` union and in the tables that say what a job
  is: ``STORAGE_BUCKET_MAPPING``, ``COMPLETION_TIMES``, ``FALLBACK_STRATEGIES``, ``WORKER_TYPES``, ``SPECS``.
- No job of a planned job type can exist; it stands nowhere.

Every table is ordered by expected time, then id.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypedDict, get_args

from ourvidz.jobs.states import JobState
from ourvidz.plugins.exporters import Exporter
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import ContentType, Input, JobType

#: The TypeScript type that each of the plan's tables satisfies.
PLAN_TYPES = {
    "QUEUE_ROUTING": "Record<string, string>",
    "PHASE_2_ROUTING": "Record<string, string>",
    "STORAGE_BUCKET_MAPPING": "Record<JobType, string>",
    "COMPLETION_TIMES": "Record<JobType, number>",
    "JOB_TYPES": "readonly { id: JobType; name: string; time: string; badge: string }[]",
    "FALLBACK_STRATEGIES": "Record<JobType, string | null>",
    "WORKER_TYPES": "Record<JobType, WorkerType>",
}

#: The TypeScript type of each other table.
TABLE_TYPES = {
    "CATALOG_DIGEST": "string",
    "SPECS": "Readonly<Record<JobType, JobTypeSpec>>",
    "QUEUES": "Readonly<Record<string, Queue>>",
    "BUCKETS": "Readonly<Record<string, Bucket>>",
    "INPUT_BUCKET": "string",
    "INPUT_URLS": "boolean",
}


class JobTypeEntry(TypedDict):
    """What a frontend shows of a job type."""

    id: str
    name: str
    time: str
    badge: str


class Routing(TypedDict):
    """The tables; keys are ids of job types, times are in seconds."""

    QUEUE_ROUTING: dict[str, str]
    PHASE_2_ROUTING: dict[str, str]
    STORAGE_BUCKET_MAPPING: dict[str, str]
    COMPLETION_TIMES: dict[str, int | float]
    JOB_TYPES: list[JobTypeEntry]
    FALLBACK_STRATEGIES: dict[str, str | None]
    WORKER_TYPES: dict[str, str]
    CATALOG_DIGEST: str
    SPECS: dict[str, dict[str, Any]]
    QUEUES: dict[str, dict[str, Any]]
    BUCKETS: dict[str, dict[str, Any]]
    INPUT_BUCKET: str
    INPUT_URLS: bool


def routing(catalog: Catalog) -> Routing:
    """Derive every table from the catalog."""
    from ourvidz.export import tables
    from ourvidz.jobs.request_schemas import plain

    met = known_job_types(catalog)
    offered = [one for one in met if one.takes_jobs]
    return Routing(
        QUEUE_ROUTING={one.id: one.queue for one in offered if one.phase == 1},
        PHASE_2_ROUTING={one.id: one.queue for one in offered if one.phase == 2},
        STORAGE_BUCKET_MAPPING={one.id: one.storage_bucket for one in met},
        COMPLETION_TIMES={one.id: plain(one.expected_time) for one in met},
        JOB_TYPES=[_entry(one) for one in offered],
        FALLBACK_STRATEGIES={one.id: one.fallback for one in met},
        WORKER_TYPES={one.id: one.worker for one in met},
        CATALOG_DIGEST=catalog.digest,
        SPECS=tables.spec_table(catalog, met),
        QUEUES=tables.queue_table(catalog, offered),
        BUCKETS=tables.bucket_table(catalog),
        INPUT_BUCKET=catalog.settings.input_bucket,
        INPUT_URLS=catalog.settings.input_urls,
    )


def known_job_types(catalog: Catalog) -> list[JobType]:
    """Those that a job can have, retired ones too, in the order of every table."""
    met = (one for one in catalog.job_types.values() if one.status != "planned")
    return sorted(met, key=lambda one: (one.expected_time, one.id))


def unions(tables: Routing) -> dict[str, list[str]]:
    """The names that types are made of."""
    return {
        "JobType": list(tables["WORKER_TYPES"]),
        "JobState": list(get_args(JobState)),
        "WorkerType": sorted(set(tables["WORKER_TYPES"].values())),
        "ContentType": list(get_args(ContentType)),
        "Input": list(get_args(Input)),
    }


def time_label(seconds: float) -> str:
    """An expected time for people: ``~90s``, and from two minutes on in whole minutes, ``~5min``."""
    whole = max(1, _rounded(seconds))
    return f"~{whole}s" if whole < 120 else f"~{_rounded(seconds / 60)}min"


def as_typescript(catalog: Catalog) -> str:
    """The tables and validators as one module that imports nothing, for tsc, bundlers and Deno."""
    # Here, since every command loads this module and few need it.
    from ourvidz.export.module import module_of

    return module_of(catalog)


def as_json(catalog: Catalog) -> str:
    """The tables as one object; in it ``JobType`` is a list and ``JobStatus`` a JSON Schema."""
    from ourvidz.jobs.requests import JobStatus

    tables = routing(catalog)
    named = unions(tables)
    status = JobStatus.model_json_schema()
    for field, name in (("jobType", "JobType"), ("workerType", "WorkerType")):
        status["properties"][field]["enum"] = named[name]
    everything = {**tables, "JobType": named["JobType"], "JobStatus": status}
    return json.dumps(everything, indent=2, allow_nan=False) + "\n"


@hookimpl
def ourvidz_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="routing",
            description="Write the module that edge functions and frontends import.",
            path="supabase/functions/_shared/routing.ts",
            formats={"ts": as_typescript, "json": as_json},
        )
    ]


def _entry(job_type: JobType) -> JobTypeEntry:
    return JobTypeEntry(
        id=job_type.id,
        name=job_type.display_name,
        time=time_label(job_type.expected_time),
        badge=job_type.display_badge,
    )


def _rounded(value: float) -> int:
    """Halves go up, where Python's own ``round`` makes 2 of 2.5."""
    return math.floor(value + 0.5)
