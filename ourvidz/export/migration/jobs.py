"""SQL of the table ``jobs``: columns, constraints, the guard of every row, who reads, who is told."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import get_args

from ourvidz.export.migration.sql import array, block, is_one_of, literal
from ourvidz.export.migration.state import State
from ourvidz.jobs.states import JobState
from ourvidz.jobs.table import OPEN
from ourvidz.spec.job_type import ContentType

#: Rows that the backfilling file changes: so many are done in well under a second.
BACKFILLED_AT_ONCE = 10_000

#: Columns with their types and defaults, in the order in which a new table has them. The first are
#: those of the deployed table.
COLUMNS = {
    "status": "text not null default 'queued'",
    "error_message": "text",
    "attempts": "integer not null default 0",
    "max_attempts": "integer not null default 3",
    "metadata": "jsonb default '{}'::jsonb",
    "created_at": "timestamptz not null default now()",
    "started_at": "timestamptz",
    "completed_at": "timestamptz",
    "format": "text",
    "quality": "text",
    "model_type": "text",
    "worker_type": "text",
    "effective_job_type": "text",
    "progress": "jsonb",
    "result": "jsonb",
    "error_code": "text",
    "sequence": "bigint not null default 0",
    "idempotency_key": "text",
}

#: Columns that no client writes, with what a row that a client inserts has in them.
GUARDED = {
    "status": "'queued'",
    "attempts": "0",
    "started_at": "null",
    "completed_at": "null",
    "progress": "null",
    "result": "null",
    "error_message": "null",
    "error_code": "null",
    "effective_job_type": "null",
    "sequence": "0",
    "idempotency_key": "null",
}

#: Columns that no client changes once the row is there.
FIXED = ("id", "user_id", "job_type", "worker_type", "max_attempts", "created_at")

POLICY = "ourvidz owners read their jobs"

CONSTRAINTS = ("valid_job_types", "valid_job_status", "valid_job_format", "valid_job_quality")

#: The columns whose checks are ours alone.
CHECKED = ("job_type", "status", "format", "quality")

_ADDED = ",\n  ".join(f"add column if not exists {name} {kind}" for name, kind in COLUMNS.items())

TABLE = f"""\
create table if not exists public.jobs (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  job_type text not null
);
alter table public.jobs
  {_ADDED};

create index if not exists ourvidz_jobs_unfinished on public.jobs (user_id, job_type)
  where {is_one_of("status", OPEN)};
-- A client's retry is no second job.
create unique index if not exists ourvidz_jobs_idempotency on public.jobs (user_id, idempotency_key)
  where idempotency_key is not null;
"""

READERS = f"""\
alter table public.jobs enable row level security;
grant select on public.jobs to authenticated;
grant all on public.jobs to service_role;
drop policy if exists "{POLICY}" on public.jobs;
create policy "{POLICY}" on public.jobs for select to authenticated
  using (user_id = (select auth.uid()));
"""

REALTIME = block(
    """\
  if exists (select from pg_publication where pubname = 'supabase_realtime') then
    if not exists (
      select from pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'jobs'
    ) then
      alter publication supabase_realtime add table public.jobs;
    end if;
    -- So that a change is told with the old row, and row level security can be asked about a deleted one.
    alter table public.jobs replica identity full;
  end if;
"""
)


def refusal(known: Iterable[str], version: str) -> str:
    """Stop while unfinished rows name job types that would no longer be valid; nothing is locked yet."""
    return block(
        f"""\
  if to_regclass('public.jobs') is null then
    return;
  end if;
{_unless_newer(version)}\
  select string_agg(format('%s of %s', rows, job_type), ', ' order by job_type) into unfinished
  from (
    select job_type, count(*) as rows from public.jobs
    where {is_one_of("status", OPEN)} and not ({is_one_of("job_type", known)})
    group by job_type
  ) as others;
  if unfinished is not null then
    raise exception 'public.jobs has unfinished rows of job types that are not in the catalog: %', unfinished
      using hint = 'Add these job types, or let their jobs end; then apply this file again.';
  end if;
""",
        "  unfinished text;\n",
    )


def constraints(state: State, known: Iterable[str], version: str) -> str:
    """Replace every check of one of the four columns by ours, which old rows are not held to yet."""
    conditions = _conditions(state, known)
    added = ",\n    ".join(
        f"add constraint {name} check ({conditions[name]}) not valid" for name in CONSTRAINTS
    )
    return block(
        f"""\
{_unless_newer(version)}\
  for old in
    select conname, pg_get_constraintdef(oid) as definition
    from pg_constraint
    where conrelid = 'public.jobs'::regclass and contype = 'c' and (
      conname = any ({array(CONSTRAINTS)})
      or conkey in (
        select array[attnum] from pg_attribute
        where attrelid = 'public.jobs'::regclass and attname = any ({array(CHECKED)})
      )
    )
  loop
    execute format('alter table public.jobs drop constraint %I', old.conname);
    if old.conname <> all ({array(CONSTRAINTS)}) then
      raise warning 'ourvidz replaces the constraint % of public.jobs, which was %',
        old.conname, old.definition;
    end if;
  end loop;
  alter table public.jobs
    {added};
{_record(version)}\
""",
        "  old record;\n",
    )


def guard(state: State, retired: Iterable[str]) -> str:
    """The trigger that every new or changed row passes."""
    both = [*GUARDED, *FIXED]
    return f"""\
create or replace function public.ourvidz_guard_jobs() returns trigger
language plpgsql set search_path = '' as $ourvidz$
begin
  if tg_op = 'INSERT' or new.job_type is distinct from old.job_type then
    if {is_one_of("new.job_type", retired)} then
      raise exception 'the job type % is retired: it takes no new jobs', new.job_type
        using errcode = 'check_violation', constraint = 'valid_job_types';
    end if;
    new.worker_type := {_worker(state, "new.job_type")};
  end if;
  -- Whom row level security binds is a client, whatever policies there are.
  if row_security_active('public.jobs') then
    if tg_op = 'INSERT' then
      new.created_at := now();
      if {_of("new", GUARDED)} is distinct from {_row(GUARDED.values())} then
        raise exception 'status, attempts, results and times of a job are not written by clients'
          using errcode = 'insufficient_privilege';
      end if;
    elsif {_of("new", both)} is distinct from {_of("old", both)} then
      raise exception 'status, attempts, results and times of a job are not written by clients'
        using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end;
$ourvidz$;
create or replace trigger ourvidz_guard_jobs before insert or update on public.jobs
  for each row execute function public.ourvidz_guard_jobs();
"""


def backfill(state: State) -> str:
    """Name the worker of rows that name none, or another one, up to a bound."""
    some = f"select id from public.jobs where {needs_backfill(state)} limit {BACKFILLED_AT_ONCE}"
    return f"{backfill_batch(state, some)};\n" + block(
        f"""\
  if exists (select from public.jobs where {needs_backfill(state)}) then
    raise warning 'public.jobs has more rows without their worker_type: run ourvidz migrate backfill';
  end if;
"""
    )


def needs_backfill(state: State) -> str:
    """The condition of rows whose worker has to be filled in. Rows that no check allows are left alone."""
    conditions = _conditions(state, state.job_types)
    allowed = "".join(f" and coalesce({one}, true)" for one in conditions.values())
    return f"worker_type is distinct from {_worker(state, 'job_type')}{allowed}"


def backfill_batch(state: State, ids: str) -> str:
    """Fill in the workers of rows that a query names; those that somebody else changes now are left."""
    return (
        f"update public.jobs set worker_type = {_worker(state, 'job_type')}\n"
        f"where id in (\n  {ids} for update skip locked\n)"
    )


def validation() -> str:
    """Hold old rows to the constraints, while others go on writing."""
    return block(
        f"""\
  foreach name in array {array(CONSTRAINTS)} loop
    begin
      execute format('alter table public.jobs validate constraint %I', name);
    exception when check_violation then
      raise warning 'public.jobs has ended rows that % does not allow; they can be read and deleted, '
        'but not changed. It holds for all other rows.', name;
    end;
  end loop;
""",
        "  name text;\n",
    )


def contraction(state: State, gone: Iterable[str], version: str) -> str:
    """Take removed job types out of the valid ones, unless jobs of theirs have not ended."""
    return block(
        f"""\
{_unless_newer(version)}\
  -- Nobody may start an old job again meanwhile.
  lock table public.jobs in share row exclusive mode;
  select string_agg(format('%s of %s', rows, job_type), ', ' order by job_type) into unfinished
  from (
    select job_type, count(*) as rows from public.jobs
    where {is_one_of("status", OPEN)} and {is_one_of("job_type", gone)}
    group by job_type
  ) as others;
  if unfinished is not null then
    raise exception 'public.jobs has unfinished rows of job types that are to be removed: %', unfinished
      using hint = 'Let these jobs end, or cancel them; then apply this file again.';
  end if;
  alter table public.jobs
    drop constraint if exists valid_job_types,
    add constraint valid_job_types check ({is_one_of("job_type", state.job_types)}) not valid;
{_record(version)}\
""",
        "  unfinished text;\n",
    )


def _conditions(state: State, known: Iterable[str]) -> dict[str, str]:
    return {
        "valid_job_types": is_one_of("job_type", known),
        "valid_job_status": is_one_of("status", get_args(JobState)),
        "valid_job_format": is_one_of("format", get_args(ContentType)),
        "valid_job_quality": is_one_of("quality", state.qualities),
    }


def _worker(state: State, column: str) -> str:
    """The worker of a row's job type; null where the catalog does not know it."""
    if not state.by_worker:
        return "null::text"
    whens = "".join(
        f"\n    when {is_one_of(column, names)} then {literal(worker)}"
        for worker, names in state.by_worker.items()
    )
    return f"case{whens}\n  end"


def _row(values: Iterable[str]) -> str:
    lines = textwrap.fill(", ".join(values), 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return f"row(\n{lines}\n      )"


def _of(row: str, columns: Iterable[str]) -> str:
    return _row(f"{row}.{column}" for column in columns)


def _unless_newer(version: str) -> str:
    """End a block of a file that is applied again where later ones have been: they would have to follow."""
    return f"""\
  if (
    select substring(obj_description(oid, 'pg_constraint') from '^ourvidz ([0-9]{{14}})$')
    from pg_constraint where conrelid = to_regclass('public.jobs') and conname = 'valid_job_types'
  ) > {literal(version)} then
    return;
  end if;
"""


def _record(version: str) -> str:
    return f"  comment on constraint valid_job_types on public.jobs is {literal(f'ourvidz {version}')};\n"
