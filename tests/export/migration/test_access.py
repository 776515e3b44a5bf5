"""Who may read and write what: the owner, another user, nobody known, and the service key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from tests.export.migration.folders import PLAN, folder
from tests.servers.database import OWNER, STRANGER, Database
from tests.servers.platform import Platform

#: Of one row each: as the deployed rules have it, its owner may do anything.
QUEUED = "00000000-0000-4000-8000-000000000002"

#: What clients must not write, with a value that another row may have.
KEPT = {
    "status": "completed",
    "attempts": 2,
    "result": "{}",
    "progress": "{}",
    "started_at": "2025-07-02",
    "completed_at": "2025-07-02",
    "error_message": "mine",
    "error_code": "mine",
    "sequence": 9,
    "effective_job_type": "video_fast",
    "idempotency_key": "mine",
}

#: What is given to a row once.
FIXED = {
    "created_at": "2025-07-02",
    "user_id": STRANGER,
    "job_type": "video_fast",
    "worker_type": "SDXL",
    "max_attempts": 9,
}

OBJECTS = f"""\
insert into storage.objects (bucket_id, name) values
  ('sdxl_fast', '{OWNER}/a/1-0.png'), ('sdxl_fast', '{STRANGER}/b/1-0.png'),
  ('init_images', '{OWNER}/photo.png'), ('init_images', '{STRANGER}/photo.png'),
  ('avatars', '{OWNER}/me.png');
"""


@pytest.fixture(scope="module")
def database(server: Platform) -> Iterator[Database]:
    """As it is deployed, with the migrations, and policies of the operator's own on top."""
    database = Database(server.at("deployed"), lasting=False)
    database.execute("insert into storage.buckets (id, name, public) values ('avatars', 'avatars', false)")
    database.apply(folder(PLAN))
    database.execute(OBJECTS)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("role", "user", "sees"),
    [
        ("authenticated", OWNER, ["image_high", "sdxl_image_fast"]),
        ("authenticated", STRANGER, ["video_high"]),
        ("anon", None, []),
        ("service_role", None, ["image_high", "sdxl_image_fast", "video_high"]),
    ],
)
def test_who_reads_jobs(database: Database, role: str, user: str | None, sees: list[str]) -> None:
    with database.trying(role, user) as actor:
        assert actor.values("select job_type from jobs order by job_type") == sees


def test_whom_the_operators_policy_names_reads_as_well(database: Database) -> None:
    database.execute(
        f"create policy helpdesk on jobs for select to authenticated using (auth.uid() = '{STRANGER}')"
    )
    try:
        with database.trying("authenticated", STRANGER) as actor:
            assert actor.values("select count(*) from jobs") == [3]
    finally:
        database.execute("drop policy helpdesk on jobs")


@pytest.mark.parametrize("column", [*KEPT, *FIXED])
def test_no_owner_changes_what_is_ours_though_a_policy_allows_any_update(
    database: Database, column: str
) -> None:
    with (
        pytest.raises(InsufficientPrivilege, match="not written by clients"),
        database.trying("authenticated", OWNER) as owner,
    ):
        # As a policy for inserts would not refuse it: the row stays in sight of whoever changes it.
        owner.change(f"update jobs set {column} = %s where id = %s", (KEPT | FIXED)[column], QUEUED)


@pytest.mark.parametrize("column", KEPT)
def test_nor_inserts_it(database: Database, column: str) -> None:
    with (
        pytest.raises(InsufficientPrivilege, match="not written by clients"),
        database.trying("authenticated", OWNER) as owner,
    ):
        owner.insert(job_type="video_fast", **{column: KEPT[column]})


def test_an_owner_whom_a_policy_lets_insert_gets_an_ordinary_row_of_now(database: Database) -> None:
    with database.trying("authenticated", OWNER) as owner:
        new = owner.insert(
            job_type="video_fast", status="queued", created_at="2099-01-01", worker_type="SDXL", metadata="{}"
        )
        row = owner.values(
            "select (status, worker_type, attempts, created_at = now())::text from jobs where id = %s", new
        )
        assert row == ["(queued,WAN,0,t)"]


def test_an_owner_may_still_change_what_is_not_ours(database: Database) -> None:
    with database.trying("authenticated", OWNER) as owner:
        assert owner.change("update jobs set metadata = '{\"title\": 1}' where id = %s", QUEUED) == 1
        assert owner.change("update jobs set metadata = '{}' where user_id = %s", STRANGER) == 0


def test_the_service_writes_everything(database: Database) -> None:
    with database.trying("service_role") as service:
        for column, value in (KEPT | FIXED).items():
            assert service.change(f"update jobs set {column} = %s where id = %s", value, QUEUED) == 1


def test_a_job_that_becomes_another_type_gets_that_types_worker(database: Database) -> None:
    with database.trying("service_role") as service:
        service.change("update jobs set job_type = 'sdxl_img2img' where id = %s", QUEUED)
        assert service.values("select worker_type from jobs where id = %s", QUEUED) == ["SDXL"]


def test_nobody_else_writes_jobs(database: Database) -> None:
    with database.trying("anon") as actor:
        assert actor.change("update jobs set metadata = '{}'") == 0
        assert actor.change("delete from jobs") == 0
    for role, user in (("anon", None), ("authenticated", STRANGER)):
        with (
            pytest.raises(InsufficientPrivilege, match="row-level security"),
            database.trying(role, user) as one,
        ):
            one.insert(job_type="video_fast")


def test_a_clients_retry_makes_no_second_job(database: Database) -> None:
    with database.trying("service_role") as service:
        service.insert(job_type="video_fast", idempotency_key="one")
        service.insert(job_type="video_fast", idempotency_key="one", user_id=STRANGER)
        again = "insert into jobs (user_id, job_type, idempotency_key) values (%s, 'video_fast', 'one') {}"
        assert service.change(again.format("on conflict do nothing"), OWNER) == 0


def test_the_service_is_held_to_the_job_types_as_well(database: Database) -> None:
    with pytest.raises(CheckViolation), database.trying("service_role") as service:
        service.change("update jobs set job_type = 'odd' where id = %s", QUEUED)


@pytest.mark.parametrize(
    ("role", "user", "sees"),
    [
        (
            "authenticated",
            OWNER,
            [f"init_images/{OWNER}/photo.png", f"sdxl_fast/{OWNER}/a/1-0.png"],
        ),
        (
            "authenticated",
            STRANGER,
            [f"init_images/{STRANGER}/photo.png", f"sdxl_fast/{STRANGER}/b/1-0.png"],
        ),
        ("anon", None, []),
    ],
)
def test_who_reads_objects(database: Database, role: str, user: str | None, sees: list[str]) -> None:
    with database.trying(role, user) as actor:
        found = actor.values("select bucket_id || '/' || name as object from storage.objects order by object")
        assert found == sees


def test_a_user_writes_into_the_own_folder_of_the_input_bucket(database: Database) -> None:
    with database.trying("authenticated", OWNER) as owner:
        upload = "insert into storage.objects (bucket_id, name) values ('init_images', %s)"
        assert owner.change(upload, f"{OWNER}/second.png") == 1
        assert owner.change("update storage.objects set metadata = '{}' where bucket_id = 'init_images'") == 2
        assert owner.change("delete from storage.objects where bucket_id = 'init_images'") == 2


@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("init_images", f"{STRANGER}/photo2.png"),
        ("init_images", "photo.png"),
        ("sdxl_fast", f"{OWNER}/mine.png"),
        ("video_high", f"{OWNER}/mine.mp4"),
    ],
)
@pytest.mark.parametrize(("role", "user"), [("authenticated", OWNER), ("anon", None)])
def test_nobody_writes_elsewhere(
    database: Database, role: str, user: str | None, bucket: str, name: str
) -> None:
    with (
        pytest.raises(InsufficientPrivilege, match="row-level security"),
        database.trying(role, user) as actor,
    ):
        actor.change("insert into storage.objects (bucket_id, name) values (%s, %s)", bucket, name)


def test_results_are_neither_changed_nor_deleted_by_their_owner(database: Database) -> None:
    with database.trying("authenticated", OWNER) as owner:
        assert owner.change("update storage.objects set metadata = '{}' where bucket_id = 'sdxl_fast'") == 0
        assert owner.change("delete from storage.objects where bucket_id = 'sdxl_fast'") == 0


def test_a_picture_cannot_be_moved_to_somebody_else_or_among_the_results(database: Database) -> None:
    for change in (f"name = '{STRANGER}/x.png'", "bucket_id = 'sdxl_fast'"):
        with (
            pytest.raises(InsufficientPrivilege, match="row-level security"),
            database.trying("authenticated", OWNER) as owner,
        ):
            owner.change(f"update storage.objects set {change} where bucket_id = 'init_images'")
