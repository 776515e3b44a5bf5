"""Buckets: made, brought to their limits, and left alone where nobody gives one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.export.migration.files import next_files
from ourvidz.project import Project
from tests.export.catalogs import catalog, job_type
from tests.export.migration.folders import folder
from tests.servers.database import Database

REPOSITORY = Path(__file__).parents[3]
SHIPPED = Project.open(jobtypes=REPOSITORY / "jobtypes").catalog


def bucket(database: Database, name: str) -> tuple[object, object, object]:
    row = "json_build_array(public, file_size_limit, allowed_mime_types)"
    public, size, types = database.value(f"select {row} from storage.buckets where id = %s", name)
    return public, size, types


def test_the_plans_buckets_are_private_and_have_its_limits_and_take_thumbnails(empty: Database) -> None:
    empty.apply(folder(SHIPPED))
    assert bucket(empty, "sdxl_fast") == (False, 20 * 2**20, ["image/png", "image/webp"])
    assert bucket(empty, "sdxl_high") == (False, 30 * 2**20, ["image/png", "image/webp"])
    assert bucket(empty, "video_high") == (False, None, ["video/mp4", "image/webp"])
    assert bucket(empty, "init_images") == (False, 20 * 2**20, ["image/png", "image/jpeg", "image/webp"])
    assert empty.value("select count(*) from storage.buckets") == 9


def test_a_bucket_that_exists_keeps_the_limits_that_nobody_gives(empty: Database) -> None:
    empty.execute(
        "insert into storage.buckets (id, name, file_size_limit, allowed_mime_types) values "
        "('image_fast', 'image_fast', 5, null), ('sdxl_fast', 'sdxl_fast', 5, array['text/html'])"
    )
    empty.apply(folder(SHIPPED))
    assert bucket(empty, "image_fast") == (False, 5, ["image/png", "image/webp"])
    assert bucket(empty, "sdxl_fast") == (False, 20 * 2**20, ["image/png", "image/webp"])


@pytest.mark.parametrize(
    ("theirs", "after"), [("null", None), ("array['image/gif']", ["image/gif", "image/png", "image/webp"])]
)
def test_a_bucket_of_which_nobody_says_what_it_takes_keeps_what_it_took(
    empty: Database, tmp_path: Path, theirs: str, after: list[str] | None
) -> None:
    spec = (REPOSITORY / "jobtypes" / "sdxl_image_fast.yaml").read_text()
    spec = spec.replace("storage_bucket: sdxl_fast", "storage_bucket: murals").replace(
        "fallback: image_fast", ""
    )
    (tmp_path / "mural.yaml").write_text(spec)
    empty.execute(
        f"insert into storage.buckets (id, name, allowed_mime_types) values ('murals', 'murals', {theirs})"
    )
    empty.apply(folder(Project.open(jobtypes=tmp_path).catalog))
    assert bucket(empty, "murals") == (False, None, after)


def test_the_settings_give_limits_and_another_input_bucket(empty: Database, tmp_path: Path) -> None:
    settings = "input_bucket: photos\nbuckets:\n  sdxl_fast: {max_size: 1MB, privacy: public}\n"
    (tmp_path / "ourvidz.yaml").write_text(settings)
    changed = Project.open(jobtypes=REPOSITORY / "jobtypes", config=tmp_path / "ourvidz.yaml").catalog
    files = folder(SHIPPED)
    empty.apply(files | next_files(changed, files))
    assert bucket(empty, "sdxl_fast")[:2] == (True, 2**20)
    writable = "select with_check from pg_policies where cmd = 'ALL'"
    assert "'photos'" in empty.value(writable)
    assert "'init_images'" in empty.value(
        "select qual from pg_policies where tablename = 'objects' and cmd = 'SELECT'"
    )


def test_a_bucket_that_was_public_is_closed_and_told_of(empty: Database) -> None:
    empty.execute("insert into storage.buckets (id, name, public) values ('sdxl_fast', 'sdxl_fast', true)")
    empty.apply(folder(SHIPPED))
    assert bucket(empty, "sdxl_fast")[0] is False
    assert empty.warnings == [
        "the bucket sdxl_fast was public; from now on its objects are read by their owners only"
    ]


POLICIES = {
    "writes": (
        "for insert to authenticated with check (bucket_id = 'sdxl_fast')",
        "lets clients write into buckets",
    ),
    "writes anywhere": ("for all using (auth.uid() is not null)", "lets clients write into buckets"),
    "reads": ("for select using (bucket_id = 'sdxl_fast')", "lets others than the owner read from buckets"),
    "reads elsewhere": ("for select using (bucket_id = 'avatars')", None),
    "writes elsewhere": ("for all using (bucket_id = 'avatars')", None),
    "reads as owner": ("for select using (bucket_id = 'sdxl_fast' and owner_id = auth.uid()::text)", None),
    "service": ("for all to service_role using (true)", None),
    "restricts": ("as restrictive for all using (bucket_id <> 'sdxl_fast')", None),
}


@pytest.mark.parametrize("name", POLICIES)
def test_policies_of_the_operators_own_are_kept_and_told_of_where_they_open_ours(
    empty: Database, name: str
) -> None:
    rule, told = POLICIES[name]
    empty.execute(f'create policy "{name}" on storage.objects {rule}')
    empty.apply(folder(SHIPPED))
    assert [one for one in empty.warnings if told is not None and told in one] == empty.warnings
    assert bool(empty.warnings) == (told is not None)
    assert name in empty.values("select policyname from pg_policies")


def test_without_inputs_there_is_no_bucket_that_users_write(empty: Database) -> None:
    empty.apply(folder(catalog(job_type("painting"))))
    assert empty.values("select id from storage.buckets") == ["sdxl_fast"]
    assert empty.values("select cmd from pg_policies where schemaname = 'storage'") == ["SELECT"]
