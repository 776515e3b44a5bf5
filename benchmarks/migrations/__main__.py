"""How long others wait while migrations are applied to a large table of jobs, and how long each file takes.

``python -m benchmarks.migrations [--json]``. On a PostgreSQL of its own with a million rows as deployed, one
connection inserts rows as fast as it can and notes its longest wait, while another applies the files one by
one: the first ones, and those by which a job type is retired and removed. The target is 1 s for each wait;
the exit status is 1 if one is longer, or if nothing could be inserted.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg

from ourvidz.cli.output import print_json, print_table
from ourvidz.export.migration.files import next_files
from ourvidz.project import Project
from ourvidz.spec.catalog import Catalog
from tests.servers.database import Database
from tests.servers.platform import platform

ROOT = Path(__file__).parents[2]

TARGET = 1.0

FILL = """\
insert into public.jobs (user_id, job_type, status, format, quality, metadata, completed_at)
select gen_random_uuid(), types[1 + mod(number, 6)], 'completed', 'image', 'fast',
  '{"prompt": "a lighthouse"}', now()
from generate_series(1, %s) as number,
  (select array['sdxl_image_fast', 'sdxl_image_high', 'image_fast', 'image_high', 'video_fast', 'video_high'])
    as of_all (types)
"""

INSERT = "insert into public.jobs (user_id, job_type) values (gen_random_uuid(), 'video_fast')"


class Inserting(threading.Thread):
    """Inserts a row after another until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.longest = 0.0
        self.count = 0
        self._url = url
        self._over = threading.Event()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.is_set():
                start = time.perf_counter()
                connection.execute(INSERT)
                self.longest = max(self.longest, time.perf_counter() - start)
                self.count += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


def folder(catalog: Catalog) -> dict[str, str]:
    """The first files, and those by which a job type is retired and removed."""
    name = "video_high"
    retired = catalog[name].model_copy(update={"status": "retired"})
    without = {other: one for other, one in catalog.job_types.items() if other != name}
    files = next_files(catalog, {})
    files |= next_files(replace(catalog, job_types={**catalog.job_types, name: retired}), files)
    return files | next_files(replace(catalog, job_types=without), files)


def measure(database: Database, name: str, sql: str) -> dict[str, str | int | float]:
    """Apply one file, and say how long it took and how long an insert waited at most meanwhile."""
    inserting = Inserting(database.url)
    inserting.start()
    try:
        time.sleep(0.5)
        start = time.perf_counter()
        database.execute(sql)
        seconds = time.perf_counter() - start
        time.sleep(0.2)
    finally:
        inserting.stop()
    return {
        "file": name,
        "seconds": round(seconds, 3),
        "inserts": inserting.count,
        "longest_wait": round(inserting.longest, 3),
        "target": TARGET,
    }


def main() -> int:
    """0 if every wait met the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in the table (1000000)")
    chosen = parser.parse_args()
    files = folder(Project.open(jobtypes=ROOT / "jobtypes").catalog)
    with platform() as server, closing(Database(server.database("deployed"), lasting=True)) as database:
        database.execute(FILL, chosen.rows)
        database.connection.execute("vacuum analyze public.jobs")
        rows = [measure(database, name, sql) for name, sql in files.items()]
    if chosen.json:
        print_json(rows)
    else:
        print_table(
            ("file", "seconds", "inserts", "longest wait, s", "target"), [tuple(row.values()) for row in rows]
        )
    # Whoever could not insert at all has waited for ever.
    return int(any(float(row["longest_wait"]) > TARGET or not row["inserts"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
