"""How long the exports take: CPU seconds for 1,000 and for 10,000 job types, for each kind of file.

The target is 1 s for 1,000 and ten times that for 10,000, digest included; where one is missed,
the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time

from ourvidz.cli.output import print_json, print_table
from ourvidz.export import alerts, openapi, reference, routing, schema
from ourvidz.export.migration import next_files
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import Display, JobType
from ourvidz.spec.settings import BucketEntry, QueueEntry, Settings

TARGET = 1.0


def as_sql(catalog: Catalog) -> str:
    """The first migrations, all in one."""
    return "".join(next_files(catalog, {}).values())


KINDS = {
    f"{exporter.name} {ending}": render
    for module in (routing, schema, openapi, reference, alerts)
    for exporter in module.ourvidz_exporters()
    for ending, render in exporter.formats.items()
} | {"migration sql": as_sql}


def catalog(size: int) -> Catalog:
    """A catalog of ``size`` job types with a bucket each, as large as a spec usually is."""
    job_types = {
        f"painting_{index:05}": JobType.model_validate(
            {
                "id": f"painting_{index:05}",
                "worker": "SDXL",
                "queue": f"queue_{index % 10}",
                "content_type": "image",
                "resolution": "1024x1024",
                "steps": 15,
                "guidance": 6.0,
                "expected_time": f"{index % 300 + 1}s",
                "storage_bucket": f"bucket_{index:05}",
                "quality_tier": "fast",
                "display": Display(name=f"Painting {index}", badge="FAST"),
                "accepts": "init_image",
                "params": {
                    "steps": {"min": 5, "max": 25},
                    "guidance": {"min": 1.0, "max": 12.0},
                    "scheduler": {"choices": ["euler", "euler_ancestral", "ddim", "unipc"]},
                },
            }
        )
        for index in range(size)
    }
    return Catalog(
        job_types=job_types,
        queues={f"queue_{index}": QueueEntry() for index in range(10)},
        buckets={one.storage_bucket: BucketEntry() for one in job_types.values()},
        models={},
        settings=Settings(),
    )


def measure(size: int, name: str, runs: int) -> dict[str, str | int | float]:
    """Export ``runs`` fresh catalogs; the quickest counts, being the least disturbed."""
    seconds = []
    for _ in range(runs):
        fresh = catalog(size)
        start = time.process_time()
        text = KINDS[name](fresh)
        seconds.append(time.process_time() - start)
    target = TARGET * size / 1_000
    return {
        "job_types": size,
        "kind": name,
        "bytes": len(text),
        "seconds": round(min(seconds), 4),
        "target": target,
    }


def main() -> int:
    """0 if every kind met the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=3, help="exports of each size (3)")
    chosen = parser.parse_args()
    rows = [measure(size, name, chosen.runs) for size in (1_000, 10_000) for name in KINDS]
    if chosen.json:
        print_json(rows)
    else:
        print_table(("job types", "kind", "bytes", "CPU s", "target"), [tuple(row.values()) for row in rows])
    return int(any(float(row["seconds"]) > float(row["target"]) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
