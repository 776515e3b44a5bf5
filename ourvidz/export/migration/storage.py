"""SQL of the storage buckets: their limits, and who reads and writes objects."""

from __future__ import annotations

from ourvidz.export.migration.sql import array, block, is_one_of, literal
from ourvidz.export.migration.state import BucketState, State

RESULTS_POLICY = "ourvidz owners read their results"
INPUTS_POLICY = "ourvidz owners keep their own pictures"

#: The first folder of an object's name is its owner's id.
_OWN_FOLDER = "(storage.foldername(name))[1] = (select auth.uid())::text"

_KEPT_TYPES = """\
case
    when buckets.allowed_mime_types is null then null
    else (
      select array_agg(distinct one order by one)
      from unnest(buckets.allowed_mime_types || excluded.allowed_mime_types) as one
    )
  end"""


def buckets(state: State) -> str:
    """Make the buckets, or bring those that exist to their limits, and keep limits that nobody gives."""
    given = {name: one for name, one in state.buckets.items() if not one.keeps_file_types}
    kept = {name: one for name, one in state.buckets.items() if one.keeps_file_types}
    private = [name for name, one in state.buckets.items() if not one.public]
    closed = block(
        f"""\
  for name in select id from storage.buckets where public and {is_one_of("id", private)} loop
    raise warning 'the bucket % was public; from now on its objects are read by their owners only', name;
  end loop;
""",
        "  name text;\n",
    )
    return "\n".join(
        [closed, *_upserted(given, "excluded.allowed_mime_types"), *_upserted(kept, _KEPT_TYPES)]
    )


def policies(state: State) -> str:
    """Who reads and writes objects; the service key passes by all policies."""
    results = f"""\
drop policy if exists "{RESULTS_POLICY}" on storage.objects;
create policy "{RESULTS_POLICY}" on storage.objects for select to authenticated
  using ({is_one_of("bucket_id", state.readable)} and {_OWN_FOLDER});
drop policy if exists "{INPUTS_POLICY}" on storage.objects;
"""
    if state.input_bucket is None:
        return results
    own = f"bucket_id = {literal(state.input_bucket)} and {_OWN_FOLDER}"
    return f"""\
{results}\
create policy "{INPUTS_POLICY}" on storage.objects for all to authenticated
  using ({own})
  with check ({own});
"""


def _upserted(some: dict[str, BucketState], file_types: str) -> list[str]:
    if not some:
        return []
    rows = ",\n  ".join(
        f"({literal(name)}, {literal(name)}, {literal(one.public)}, {literal(one.max_size)}, "
        f"{array(one.file_types) if one.file_types else 'null::text[]'})"
        for name, one in some.items()
    )
    return [
        f"""\
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
  {rows}
on conflict (id) do update set
  public = excluded.public,
  file_size_limit = coalesce(excluded.file_size_limit, buckets.file_size_limit),
  allowed_mime_types = {file_types};
"""
    ]
