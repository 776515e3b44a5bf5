"""SQL that looks up the operator's own rules, and says where they open what ours close. None is dropped."""

from __future__ import annotations

from collections.abc import Iterable

from ourvidz.export.migration import jobs, storage
from ourvidz.export.migration.sql import array, block, literal
from ourvidz.export.migration.state import State

#: Roles that clients have.
_CLIENTS = ("public", "anon", "authenticated")

_WRITING = ("ALL", "INSERT", "UPDATE", "DELETE")


def of_jobs() -> str:
    """Tell of policies on ``jobs``, and of checks over several columns that may refuse rows of ours."""
    return block(
        f"""\
  for found in {_policies("public", "jobs", [jobs.POLICY])} loop
    if found.cmd = any ({array(_WRITING)}) then
      raise warning 'your policy "%" on public.jobs lets clients write rows (%); it stays. Their status, '
        'attempts, results and times are kept from them by a trigger.', found.policyname, found.cmd;
    end if;
    if found.cmd in ('ALL', 'SELECT') and position('auth.uid()' in coalesce(found.qual, '')) = 0 then
      raise warning 'your policy "%" on public.jobs lets others than the owner read rows; it stays',
        found.policyname;
    end if;
  end loop;
  for found in
    select conname, pg_get_constraintdef(oid) as definition
    from pg_constraint
    where conrelid = 'public.jobs'::regclass and contype = 'c' and cardinality(conkey) > 1 and conkey && (
      select array_agg(attnum) from pg_attribute
      where attrelid = 'public.jobs'::regclass and attname = any ({array(jobs.CHECKED)})
    )
  loop
    raise warning 'your constraint % of public.jobs stays, and may refuse rows of ours: %',
      found.conname, found.definition;
  end loop;
""",
        "  found record;\n",
    )


def of_constraints() -> str:
    """Tell of constraints of ours that old rows are not held to."""
    return block(
        f"""\
  for name in
    select conname from pg_constraint
    where conrelid = 'public.jobs'::regclass and not convalidated
      and conname = any ({array(jobs.CONSTRAINTS)})
    order by conname
  loop
    raise warning 'public.jobs has ended rows that % does not allow, or its validating file was not applied',
      name;
  end loop;
""",
        "  name text;\n",
    )


def of_objects(state: State) -> str:
    """Tell of policies on objects that speak of our buckets, or of no bucket and so of all."""
    ours = [storage.RESULTS_POLICY, storage.INPUTS_POLICY]
    return block(
        f"""\
  for found in
    select own.*, coalesce(own.qual, '') || ' ' || coalesce(own.with_check, '') as condition
    from ({_policies("storage", "objects", ours)}) as own
  loop
    if position('bucket_id' in found.condition) > 0 and not exists (
      select from unnest({array(state.buckets)}) as bucket
      where position(quote_literal(bucket) in found.condition) > 0
    ) then
      continue;
    end if;
    if found.cmd = any ({array(_WRITING)}) then
      raise warning 'your policy "%" on storage.objects lets clients write into buckets of ourvidz (%); '
        'it stays', found.policyname, found.cmd;
    end if;
    if found.cmd in ('ALL', 'SELECT') and position('auth.uid()' in found.condition) = 0 then
      raise warning 'your policy "%" on storage.objects lets others than the owner read from buckets of '
        'ourvidz; it stays', found.policyname;
    end if;
  end loop;
""",
        "  found record;\n",
    )


def _policies(schema: str, table: str, ours: Iterable[str]) -> str:
    return (
        "select * from pg_policies\n"
        f"    where schemaname = {literal(schema)} and tablename = {literal(table)}\n"
        f"      and permissive = 'PERMISSIVE' and policyname <> all ({array(ours)})\n"
        f"      and roles::text[] && {array(_CLIENTS)}"
    )
