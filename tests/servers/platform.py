"""Databases as Supabase's are, on a plain PostgreSQL: its roles, ``auth``, ``storage``, the publication.

Only what our migrations and their policies touch, in the shape that the real one has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from tests.servers.postgres import postgres
from tests.servers.supabase import JOBS

PLATFORM = """\
create schema auth;
create function auth.uid() returns uuid language sql stable as
  $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create schema storage;
create table storage.buckets (
  id text primary key,
  name text not null unique,
  owner uuid,
  public boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
create table storage.objects (
  id uuid primary key default gen_random_uuid(),
  bucket_id text references storage.buckets,
  name text,
  owner_id text,
  metadata jsonb,
  created_at timestamptz default now(),
  unique (bucket_id, name)
);
alter table storage.objects enable row level security;
create function storage.foldername(name text) returns text[] language sql immutable as
  $$ select (string_to_array(name, '/'))[1:array_length(string_to_array(name, '/'), 1) - 1] $$;
grant usage on schema public, auth, storage to anon, authenticated, service_role;
grant all on storage.objects, storage.buckets to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
create publication supabase_realtime;
"""

ROLES = """\
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
"""

#: The deployed table again, with the check that its job types are under.
DEPLOYED = f"""\
{JOBS}
alter table public.jobs add constraint jobs_job_type_check check (job_type in (
  'sdxl_image_fast', 'sdxl_image_high', 'image_fast', 'image_high', 'video_fast', 'video_high'
));
"""


#: What is in it: of each kind of row one.
ROWS = """\
insert into public.jobs (id, user_id, job_type, status, format, quality, attempts, completed_at) values
  ('00000000-0000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111',
   'sdxl_image_fast', 'completed', 'image', 'fast', 1, now()),
  ('00000000-0000-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111',
   'image_high', 'queued', 'image', 'high', 0, null),
  ('00000000-0000-4000-8000-000000000003', '22222222-2222-4222-8222-222222222222',
   'video_high', 'failed', 'video', 'high', 3, now());
"""


@dataclass(slots=True)
class Platform:
    """A running server with two databases, ``empty`` and ``deployed``, and more of the same when asked."""

    url: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def database(self, template: str) -> str:
        """The URL of a new database of this shape: ``empty`` or ``deployed``."""
        name = f"test_{next(self._numbers)}"
        with connected(self.url) as server:
            server.execute(f"create database {name} template {template}_untouched")
        return self.at(name)

    def at(self, name: str) -> str:
        return self.url.rpartition("/")[0] + f"/{name}"


@contextmanager
def platform() -> Iterator[Platform]:
    """Run a server until the block ends."""
    with postgres() as url:
        running = Platform(url)
        with connected(url) as server:
            server.execute(ROLES)
            server.execute("create database empty_untouched")
        with connected(running.at("empty_untouched")) as empty:
            empty.execute(PLATFORM)
        with connected(url) as server:
            server.execute("create database deployed_untouched template empty_untouched")
        with connected(running.at("deployed_untouched")) as deployed:
            deployed.execute(DEPLOYED + ROWS)
        # Nobody may be connected to what another database is made from.
        with connected(url) as server:
            server.execute("create database empty template empty_untouched")
            server.execute("create database deployed template deployed_untouched")
        yield running


def connected(url: str) -> psycopg.Connection:
    """A connection on which every call of ``execute`` is one transaction, several statements included."""
    return psycopg.connect(url, autocommit=True)
