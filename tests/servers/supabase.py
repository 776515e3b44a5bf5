"""Supabase's own small server on a real PostgreSQL, and beside it the resumable uploads that it lacks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.servers.node import NODE_FOLDER, node, node_packages
from tests.servers.postgres import postgres
from tests.servers.processes import free_port, listens, running

#: Of the form that Supabase's keys have. They open nothing but a server that ends with the tests.
KEY = "sb_secret_p5fQdqnXXyAQXq1hZ46ylJ_smgs7mKq"
PUBLIC_KEY = "sb_publishable_W6cY0qJxX2vVbT8nKzR4mA_pLkQ9sDe"

CONFIG = """\
[api]
port = {port}

[db]
driver = "postgres"
url = "{database}"

[auth]
enabled = true
jwt_secret = "{secret}"
secret_key = "{key}"
publishable_key = "{public_key}"

[storage]
enabled = true
file_size_limit = "50MiB"
"""

#: Private buckets: any content, and one as ourvidz wants them.
BUCKETS = """\
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
  ('sdxl_fast', 'sdxl_fast', false, null, null),
  ('sdxl_high', 'sdxl_high', false, null, null),
  ('init_images', 'init_images', false, null, null),
  ('placeholder_fast', 'placeholder_fast', false, 1000000, array['image/png', 'image/webp']);
"""

#: The table of jobs as it is deployed: its columns, its constraints, and who may do what.
JOBS = """\
create table public.jobs (
  id uuid primary key default gen_random_uuid(),
  video_id uuid,
  user_id uuid not null,
  job_type text not null,
  status text not null default 'queued',
  error_message text,
  attempts integer not null default 0,
  max_attempts integer not null default 3,
  metadata jsonb default '{}'::jsonb,
  created_at timestamptz default now(),
  started_at timestamptz,
  completed_at timestamptz,
  project_id uuid,
  image_id uuid,
  format text,
  quality text,
  model_type text,
  constraint jobs_status_check check (status in ('queued', 'processing', 'completed', 'failed')),
  constraint jobs_quality_check check (quality in ('fast', 'high')),
  constraint jobs_format_check check (format in ('image', 'video'))
);
alter table public.jobs enable row level security;
create policy "owners may do anything" on public.jobs for all to authenticated
using (user_id = auth.uid()) with check (user_id = auth.uid());
"""

#: What a project has before our own migrations.
DEPLOYED = {"20250101000000_buckets.sql": BUCKETS, "20250101000001_jobs.sql": JOBS}


@dataclass(frozen=True, slots=True)
class Supabase:
    """A running server."""

    url: str
    key: str
    resumable: str
    """Address of a server for resumable uploads, which stores what is complete in this one."""

    def empty(self) -> None:
        """Delete every object, and every row of the table of jobs."""
        with self._client() as client:
            for bucket in client.get("storage/v1/bucket").json():
                client.post(f"storage/v1/bucket/{bucket['id']}/empty").raise_for_status()
            client.delete("rest/v1/jobs", params={"id": "not.is.null"}).raise_for_status()

    def insert(self, *rows: Mapping[str, object]) -> None:
        """Put rows into the table of jobs, as an edge function does."""
        with self._client() as client:
            answer = client.post("rest/v1/jobs", json=[dict(row) for row in rows])
            assert answer.is_success, answer.text

    def update(self, id: str, **values: object) -> None:
        """Change a row of the table of jobs, as its owner may."""
        with self._client() as client:
            client.patch("rest/v1/jobs", params={"id": f"eq.{id}"}, json=values).raise_for_status()

    def rows(self) -> dict[str, dict[str, Any]]:
        """Every row of the table of jobs by its id, a thousand at most."""
        with self._client() as client:
            found = client.get("rest/v1/jobs", params={"select": "*"})
            return {row["id"]: row for row in found.raise_for_status().json()}

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, trust_env=False, verify=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"apikey": self.key, "authorization": f"Bearer {self.key}"}


@contextmanager
def supabase(migrations: Mapping[str, str] = DEPLOYED) -> Iterator[Supabase]:
    """Run the servers until the block ends; ``migrations`` are applied in the order of their names."""
    folder = Path(tempfile.mkdtemp(prefix="ourvidz-supabase-"))
    lite: list[str | Path] = [node(), node_packages() / ".bin" / "lite", "--no-telemetry"]
    port, uploads = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    try:
        with postgres() as database:
            _configure(folder, port, database, migrations)
            environment = {"EXPERIMENTAL_STORAGE": "1"}
            _run(folder, [*lite, "migration", "up"], environment)
            with (
                running(
                    [*lite, "start", "--no-admin"],
                    lambda: listens(port),
                    log=folder / "log",
                    cwd=folder,
                    env=environment,
                ),
                running(
                    [node(), NODE_FOLDER / "tus.mjs", str(uploads), folder / "uploads", url, KEY],
                    lambda: listens(uploads),
                    log=folder / "uploads.log",
                    cwd=NODE_FOLDER,
                ),
            ):
                yield Supabase(url, KEY, f"http://127.0.0.1:{uploads}")
    finally:
        shutil.rmtree(folder)


def _configure(folder: Path, port: int, database: str, migrations: Mapping[str, str]) -> None:
    (folder / "supabase" / "migrations").mkdir(parents=True)
    (folder / "uploads").mkdir()
    config = CONFIG.format(port=port, database=database, secret="q8Zr" * 12, key=KEY, public_key=PUBLIC_KEY)
    (folder / "supabase" / "config.toml").write_text(config)
    for name, text in migrations.items():
        (folder / "supabase" / "migrations" / name).write_text(text)


def _run(folder: Path, command: Sequence[str | Path], environment: dict[str, str]) -> None:
    with running(command, lambda: True, log=folder / "migration.log", cwd=folder, env=environment) as process:
        assert process.wait(60) == 0, (folder / "migration.log").read_text(errors="replace")
