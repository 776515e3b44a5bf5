"""Supabase's own small server on a real PostgreSQL, and beside it the resumable uploads that it lacks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.node import NODE_FOLDER, node, node_packages
from tests.servers.postgres import postgres
from tests.servers.processes import free_port, listens, running

#: Of the form that Supabase's keys have. They open nothing but a server that ends with the tests.
KEY = "sb_secret_p5fQdqnXXyAQXq1hZ46ylJ_smgs7mKq"

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


@dataclass(frozen=True, slots=True)
class Supabase:
    """A running server."""

    url: str
    key: str
    resumable: str
    """Address of a server for resumable uploads, which stores what is complete in this one."""

    def empty(self) -> None:
        """Delete every object."""
        base = f"{self.url}/storage/v1/"
        with httpx.Client(base_url=base, headers=self.headers, trust_env=False, verify=False) as client:
            for bucket in client.get("bucket").json():
                client.post(f"bucket/{bucket['id']}/empty").raise_for_status()

    @property
    def headers(self) -> dict[str, str]:
        return {"apikey": self.key, "authorization": f"Bearer {self.key}"}


@contextmanager
def supabase() -> Iterator[Supabase]:
    """Run the servers until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="ourvidz-supabase-"))
    lite: list[str | Path] = [node(), node_packages() / ".bin" / "lite", "--no-telemetry"]
    port, uploads = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    try:
        with postgres() as database:
            _configure(folder, port, database)
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


def _configure(folder: Path, port: int, database: str) -> None:
    (folder / "supabase" / "migrations").mkdir(parents=True)
    (folder / "uploads").mkdir()
    config = CONFIG.format(port=port, database=database, secret="q8Zr" * 12, key=KEY)
    (folder / "supabase" / "config.toml").write_text(config)
    (folder / "supabase" / "migrations" / "20250101000000_buckets.sql").write_text(BUCKETS)


def _run(folder: Path, command: Sequence[str | Path], environment: dict[str, str]) -> None:
    with running(command, lambda: True, log=folder / "migration.log", cwd=folder, env=environment) as process:
        assert process.wait(60) == 0, (folder / "migration.log").read_text(errors="replace")
