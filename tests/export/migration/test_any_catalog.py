"""Whatever a catalog says, its SQL applies, means the catalog, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ourvidz.export.migration.sql import array, is_one_of, literal
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import BucketEntry
from tests.export.hostile import HOSTILE_TEXTS, catalogs
from tests.export.migration.folders import folder
from tests.servers.platform import Platform

BREAKING_OUT = (
    *(text for text in HOSTILE_TEXTS if "\0" not in text),
    "$ourvidz$; drop table public.jobs; --",
    "'); drop table public.jobs; --",
    "\\'); drop table public.jobs; --",
    "a--b",
    "%",
    "%s",
)

texts = st.sampled_from(BREAKING_OUT) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
)


@pytest.fixture(scope="module")
def connection(server: Platform) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.at("empty")) as connection:
        yield connection


@settings(max_examples=15, deadline=None, derandomize=True)
@given(catalogs, catalogs, st.lists(texts, max_size=3))
def test_any_catalog_after_any_other_applies_and_allows_its_job_types_alone(
    connection: psycopg.Connection, before: Catalog, after: Catalog, hostile: list[str]
) -> None:
    # As no ourvidz.yaml can say it: nothing but the literal keeps these texts in.
    bucket = BucketEntry.model_construct(
        file_types=tuple(hostile), max_size=2**62, privacy="public", purpose=""
    )
    after = replace(after, buckets=dict.fromkeys(after.buckets, bucket))
    try:
        for _, text in sorted(folder(before, _retired(before), after).items()):
            connection.execute(text)
        taken = {one.id for one in after.job_types.values() if one.takes_jobs}
        for name in {*before.job_types, *after.job_types, "odd"}:
            assert _is_accepted(connection, name) == (name in taken), name
        found = "select allowed_mime_types from storage.buckets where id = any (%s)"
        types = [one for (one,) in connection.execute(found, [_used(after)]).fetchall()]
        assert types == [hostile or None] * len(types)
    finally:
        connection.rollback()


def _retired(one: Catalog) -> Catalog:
    """The same job types, of which none that took jobs takes any."""
    retired = {
        name: job_type.model_copy(update={"status": "retired"}) if job_type.takes_jobs else job_type
        for name, job_type in one.job_types.items()
    }
    return replace(one, job_types=retired)


def _used(one: Catalog) -> list[str]:
    return [job_type.storage_bucket for job_type in one.job_types.values() if job_type.status != "planned"]


def _is_accepted(connection: psycopg.Connection, job_type: str) -> bool:
    try:
        with connection.transaction():
            insert = "insert into public.jobs (user_id, job_type) values (gen_random_uuid(), %s)"
            connection.execute(insert, [job_type])
    except psycopg.errors.CheckViolation:
        return False
    return True


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(texts, min_size=1, max_size=5))
def test_a_text_reads_back_as_it_was_written(connection: psycopg.Connection, some: list[str]) -> None:
    row = connection.execute(f"select {array(some)}, {is_one_of(literal(some[0]), some)}".encode()).fetchone()
    assert row == (some, True)


@given(texts)
def test_a_literal_is_one_line_of_ascii_that_ends_no_body_and_no_statement(text: str) -> None:
    written = literal(text)
    assert written.isascii()
    assert written.isprintable()
    assert not {"$", ";", "%"} & {*written}
    assert "--" not in written
    assert "'" not in written.removeprefix("E")[1:-1]


@pytest.mark.parametrize("text", ["nul\0", "\ud800"])
def test_what_postgresql_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        literal(text)


def test_values_that_are_no_texts() -> None:
    assert [literal(one) for one in (None, True, False, 2**62)] == ["null", "true", "false", str(2**62)]
