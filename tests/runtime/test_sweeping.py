"""Sweeping deletes what claims that did not win have stored, and nothing that may still be needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Asset, Result, StoredFile
from ourvidz.jobs.storage import ObjectKey, ResultName, input_key, result_key
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.runtime.storage.folder import FolderStorage
from ourvidz.runtime.storage.sweeping import losers, sweep
from ourvidz.spec.catalog import Catalog
from tests.conformance.jobs import FAILURE, USER, job_id, payload, result
from tests.conformance.site import claim, claimed
from tests.runtime.sqlite_site import SqliteSite
from tests.site import Site

BUCKET, QUEUE = "placeholder_fast", "placeholder_queue"


@pytest.fixture
def clock(tmp_path: Path) -> SqliteSite:
    return SqliteSite(tmp_path / "queue.sqlite3")


@pytest.fixture
def queue(clock: SqliteSite) -> Iterator[SqliteQueue]:
    queue = clock.open()
    yield queue
    queue.close()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "storage")


@pytest.fixture
def catalog(site: Site) -> Catalog:
    return site.project().catalog


def push(queue: SqliteQueue, number: int = 0) -> None:
    queue.push(QUEUE, payload(number, job_type="placeholder_fast"))


def stored(storage: FolderStorage, claim: Claim, *names: str) -> list[ObjectKey]:
    """Store what a worker stores for a claim."""
    keys = [result_key(BUCKET, USER, claim.lease.job_id, claim.lease.token, name) for name in names]
    for key in keys:
        storage.put(key, b"made", content_type="image/webp" if "thumb" in key.path else "image/png")
    return keys


def winning(claim: Claim, image: ObjectKey, thumbnail: ObjectKey) -> Result:
    """A result that refers to these two."""

    def file(key: ObjectKey) -> StoredFile:
        return StoredFile(bucket=key.bucket, path=key.path, mime="image/png", size=4, sha256="0" * 64)

    asset = Asset(
        **file(image).model_dump(),
        type="image",
        index=0,
        seed=7,
        width=64,
        height=48,
        thumbnail=file(thumbnail),
    )
    return result(claim).model_copy(update={"assets": (asset,)})


def test_of_a_completed_job_the_winner_and_its_thumbnail_stay(
    clock: SqliteSite, queue: SqliteQueue, storage: FolderStorage, catalog: Catalog
) -> None:
    push(queue)
    overtaken = claimed(queue, QUEUE)
    lost = stored(storage, overtaken, "0.png", "0.thumb.webp")
    clock.pass_time(60)
    winner = claimed(queue, QUEUE)
    image, thumbnail = stored(storage, winner, "0.png", "0.thumb.webp")
    [unused] = stored(storage, winner, "1.png")
    queue.complete(winner.lease, winning(winner, image, thumbnail))

    assert list(losers(storage, queue, catalog)) == [*lost, unused]
    assert list(storage.list(BUCKET)) == [*lost, image, thumbnail, unused]
    assert list(sweep(storage, queue, catalog)) == [*lost, unused]
    assert list(storage.list(BUCKET)) == [image, thumbnail]
    assert list(sweep(storage, queue, catalog)) == []


@pytest.mark.parametrize(
    "end",
    [
        lambda queue, claim: queue.fail(claim.lease, FAILURE),
        lambda queue, claim: queue.cancelled(claim.lease),
    ],
    ids=["failed", "cancelled"],
)
def test_of_a_job_that_ended_without_a_result_nothing_stays(
    queue: SqliteQueue,
    storage: FolderStorage,
    catalog: Catalog,
    end: Callable[[SqliteQueue, Claim], None],
) -> None:
    push(queue)
    held = claimed(queue, QUEUE)
    keys = stored(storage, held, "0.png")
    end(queue, held)
    assert list(sweep(storage, queue, catalog)) == keys
    assert list(storage.list(BUCKET)) == []


def test_what_a_running_claim_has_stored_is_never_swept(
    clock: SqliteSite, queue: SqliteQueue, storage: FolderStorage, catalog: Catalog
) -> None:
    push(queue)
    keys = stored(storage, claimed(queue, QUEUE), "0.png")
    clock.pass_time(60)
    keys += stored(storage, claimed(queue, QUEUE), "0.png")
    assert list(sweep(storage, queue, catalog)) == []
    assert list(storage.list(BUCKET)) == keys


def test_what_a_job_that_waits_to_be_tried_again_has_stored_is_not_swept(
    queue: SqliteQueue, storage: FolderStorage, catalog: Catalog
) -> None:
    push(queue)
    held = claimed(queue, QUEUE)
    stored(storage, held, "0.png")
    queue.retry_later(held.lease, FAILURE, delay=60)
    assert claim(queue, QUEUE) is None
    assert list(losers(storage, queue, catalog)) == []


@pytest.mark.parametrize("ends", [False, True])
def test_what_a_retry_stores_meanwhile_is_not_swept(
    queue: SqliteQueue, storage: FolderStorage, catalog: Catalog, ends: bool
) -> None:
    """The job is retried, and may even end again, between the listing and the look at the job."""
    push(queue)
    first = claimed(queue, QUEUE)
    [old] = stored(storage, first, "0.png")
    queue.fail(first.lease, FAILURE)
    new: list[ObjectKey] = []

    class Meanwhile(FolderStorage):
        def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
            yield from list(super().list(bucket, prefix))
            queue.retry(first.lease.job_id)
            again = claimed(queue, QUEUE)
            new.extend(stored(storage, again, "0.png"))
            if ends:
                queue.fail(again.lease, FAILURE)

    swept = list(sweep(Meanwhile(storage._folder), queue, catalog))
    assert swept == ([old] if ends else [])
    assert set(new) <= set(storage.list(BUCKET))


def test_what_no_claim_has_named_and_what_no_known_job_owns_stays(
    queue: SqliteQueue, storage: FolderStorage, catalog: Catalog
) -> None:
    push(queue)
    held = claimed(queue, QUEUE)
    queue.fail(held.lease, FAILURE)
    others = "3f0d9c56-0000-4000-8000-00000000000f"
    keys = [
        input_key(BUCKET, USER, job_id(0), "init_image.png"),
        result_key(BUCKET, USER, job_id(1), 1, "0.png"),
        result_key(BUCKET, others, job_id(0), 1, "0.png"),
        ObjectKey(BUCKET, f"{USER}/{job_id(0)}/0-0.png"),
        ObjectKey(BUCKET, f"{USER}/{job_id(0)}/1-holiday.png"),
        ObjectKey(BUCKET, "1-0.png"),
        result_key("another_bucket", USER, job_id(0), 1, "0.png"),
    ]
    for key in keys:
        storage.put(key, b"kept", content_type="image/png")
    assert list(sweep(storage, queue, catalog)) == []
    assert all(storage.read(key) == b"kept" for key in keys)


def test_a_results_name_says_whose_it_is() -> None:
    key = result_key(BUCKET, USER, job_id(3), 12, "0.thumb.webp")
    assert ResultName.of(key) == ResultName(user_id=USER, job_id=job_id(3), claim=12)


def test_the_command_lists_first_and_deletes_when_told(
    site: Site, queue: SqliteQueue, storage: FolderStorage
) -> None:
    (site.root / "ourvidz.yaml").write_text(
        (site.root / "ourvidz.yaml").read_text()
        + "backends:\n  queue: sqlite:queue.sqlite3\n  storage: file:storage\n"
    )
    push(queue)
    held = claimed(queue, QUEUE)
    [key] = stored(storage, held, "0.png")
    queue.fail(held.lease, FAILURE)
    shown = site.ourvidz("storage", "sweep")
    assert shown.stdout == f"{key}\n1 object of claims that did not win; --apply deletes\n"
    assert storage.read(key)
    assert site.ourvidz("storage", "sweep", "--apply", "--json").stdout.count(str(key)) == 1
    assert list(storage.list(BUCKET)) == []
