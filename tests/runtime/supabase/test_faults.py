"""What a storage server can do to a storage, and what the storage makes of it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import httpx
import pytest

from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, StorageRefused, StorageUnavailable
from ourvidz.runtime.storage.supabase.answers import MEANINGS, STATUSES, Meaning, understand
from ourvidz.runtime.storage.supabase.connection import Retries
from ourvidz.runtime.storage.supabase.listing import PAGE
from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
from ourvidz.runtime.supabase_access import ServiceAccess
from tests.conformance.storage import KEY, OTHER, PNG
from tests.servers.faults import Answer, CutAnswer, Endless, Fault, FaultFront, LostReply, Reset, Stall
from tests.servers.supabase import KEY as KEY_OF_SERVER
from tests.servers.supabase import Supabase

AT_ONCE = Retries(tries=3, first_pause=0.0, longest_pause=0.0)


@pytest.fixture
def storage(front: FaultFront, timeouts: httpx.Timeout) -> Iterator[SupabaseStorage]:
    """The storage behind the front."""
    storage = SupabaseStorage(
        ServiceAccess(url=front.url, key=KEY_OF_SERVER), retries=AT_ONCE, timeouts=timeouts
    )
    yield storage
    storage.close()


def put(storage: SupabaseStorage, data: bytes = PNG) -> None:
    storage.put(KEY, data, content_type="image/png")


#: What passes by itself.
PASSING: list[Fault] = [
    Answer(status=500, body=b"Internal Server Error"),
    Answer(status=502, body=b"<html>bad gateway</html>"),
    Answer(status=503),
    Answer(status=544),
    Answer(status=429, body=b"{}"),
    Answer.coded("InternalError", 500),
    Answer.coded("DatabaseTimeout", 544),
    Answer.coded("SlowDown", 503),
    Answer.coded("ResourceLocked", 423),
    Answer.coded("TransactionError", 409),
    Reset(),
    Reset(after=40),
    Stall(),
    LostReply(),
]

#: One of each kind.
BRIEFLY: list[Fault] = [
    Answer(status=500),
    Answer.coded("TransactionError", 409),
    Reset(),
    Stall(),
    LostReply(),
]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_an_upload_outlasts_a_fault_that_passes(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    front.spoil(fault, method="POST")
    put(storage)
    assert front.spent
    assert storage.read(KEY) == PNG


@pytest.mark.parametrize("fault", [*BRIEFLY, CutAnswer(after=5)], ids=repr)
def test_reading_outlasts_a_fault_that_passes(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    put(storage)
    front.spoil(fault, method="GET")
    assert storage.read(KEY) == PNG
    assert front.spent


@pytest.mark.parametrize("fault", BRIEFLY, ids=repr)
def test_listing_and_deleting_outlast_a_fault_that_passes(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    put(storage)
    front.spoil(fault, method="POST")
    assert list(storage.list("sdxl_fast")) == [KEY]
    front.spoil(fault, method="DELETE")
    storage.delete(KEY)
    assert front.spent
    assert list(storage.list("sdxl_fast")) == []


@pytest.mark.parametrize(
    "fault", [Answer(status=500), Answer.coded("SlowDown", 503), Reset(), Stall()], ids=repr
)
def test_a_fault_that_stays_makes_storage_unavailable_and_stores_nothing(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    front.spoil(*[fault] * AT_ONCE.tries)
    with pytest.raises(StorageUnavailable, match=re.escape(f"{KEY}: cannot be stored")):
        put(storage)
    assert len(front.seen) == AT_ONCE.tries
    with pytest.raises(ObjectNotFound):
        storage.read(KEY)


@pytest.mark.parametrize(
    "answer",
    [
        Answer.coded("AccessDenied", 403),
        Answer.coded("InvalidJWT", 400),
        Answer.coded("InvalidMimeType", 415),
        Answer.coded("EntityTooLarge", 413),
        Answer.coded("NoSuchBucket", 404),
        Answer.coded("FeatureNotEnabled", 409),
        Answer.coded("TenantNotFound", 400),
        Answer.coded("InvalidKey", 400),
        Answer.coded("NeverHeardOf", 418),
        Answer(status=301, headers={"location": "http://127.0.0.1:1/elsewhere"}),
        Answer(status=401),
    ],
    ids=repr,
)
def test_a_refusal_in_the_body_is_never_tried_again(
    front: FaultFront, storage: SupabaseStorage, answer: Answer
) -> None:
    front.spoil(answer)
    with pytest.raises(StorageRefused, match="cannot be stored"):
        put(storage)
    assert len(front.seen) == 1


@pytest.mark.parametrize(
    ("code", "inner", "expected"),
    [(code, 400, meaning) for code, meaning in MEANINGS.items()]
    + [("NeverHeardOf", status, meaning) for status, meaning in STATUSES.items()],
)
def test_the_code_in_the_body_decides_and_not_the_status(code: str, inner: int, expected: Meaning) -> None:
    for status in (400, 500):
        answer = Answer.coded(code, inner, status=status)
        assert understand(answer.status, answer.body)[0] == expected


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"null", b'{"code": ["a"]}', b'{"statusCode": {}}', b"[" * 5000, b"\xff"]
)
def test_a_body_that_says_nothing_leaves_the_status_to_decide(body: bytes) -> None:
    meanings = [understand(status, body)[0] for status in (400, 404, 409, 500, 503)]
    assert meanings == ["refused", "missing", "exists", "again", "again"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[1]", b'{"message": "ok"}', b'[{"name": 1, "id": 1}]'])
def test_a_success_that_is_no_storage_servers_is_not_believed(
    front: FaultFront, storage: SupabaseStorage, body: bytes
) -> None:
    """A proxy that answers for the server."""
    sham = [Answer(status=200, body=body)] * AT_ONCE.tries
    front.spoil(*sham)
    with pytest.raises(StorageUnavailable, match="none of a storage server"):
        put(storage)
    front.spoil(*sham)
    if body != b"[]":
        with pytest.raises(StorageUnavailable, match="none of a storage server"):
            list(storage.list("sdxl_fast"))


def test_an_address_where_no_storage_is_has_no_empty_buckets(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    front.spoil(Answer(status=404, body=b"<html>"))
    with pytest.raises(StorageRefused, match="cannot be listed: storage answered 404"):
        list(storage.list("sdxl_fast"))


def test_a_conflict_is_no_missing_object(front: FaultFront, storage: SupabaseStorage) -> None:
    front.spoil(*[Answer(status=409)] * AT_ONCE.tries)
    with pytest.raises(StorageUnavailable):
        storage.read(KEY)


def test_a_duplicate_that_holds_the_same_bytes_is_a_success(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    put(storage)
    front.spoil(Answer.coded("KeyAlreadyExists", 409), method="POST")
    put(storage)


@pytest.mark.parametrize("other", [OTHER, PNG + b"and more", PNG[:-1], b""])
def test_a_duplicate_that_holds_other_bytes_is_refused(storage: SupabaseStorage, other: bytes) -> None:
    put(storage, other)
    with pytest.raises(StorageRefused, match="another object has this name"):
        put(storage)
    assert storage.read(KEY) == other


def test_a_duplicate_that_has_gone_when_it_is_looked_at_is_stored(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    front.spoil(Answer.coded("KeyAlreadyExists", 409))
    put(storage)
    assert storage.read(KEY) == PNG


def test_a_bucket_that_does_not_exist_takes_nothing_and_holds_nothing(storage: SupabaseStorage) -> None:
    key = ObjectKey("no_such_bucket", "a.png")
    with pytest.raises(StorageRefused, match="Bucket not found"):
        storage.put(key, PNG, content_type="image/png")
    with pytest.raises(ObjectNotFound):
        storage.read(key)
    assert list(storage.list("no_such_bucket")) == []
    storage.delete(key)


def test_what_the_bucket_forbids_is_refused_by_the_server_too(storage: SupabaseStorage) -> None:
    key = ObjectKey("placeholder_fast", "a.mp4")
    with pytest.raises(StorageRefused, match="mime type video/mp4 is not supported"):
        storage.put(key, b"video", content_type="video/mp4")
    with pytest.raises(StorageRefused, match="exceeded the maximum allowed size"):
        storage.put(ObjectKey("placeholder_fast", "a.png"), bytes(1_000_001), content_type="image/png")


def test_only_the_wanted_range_is_asked_for_and_fetched(front: FaultFront, storage: SupabaseStorage) -> None:
    """Also from a server that knows no ranges and sends everything."""
    size = 256 * 2**20
    front.spoil(Endless(size=size))
    assert storage.read(KEY, limit=1000) == b"x" * 1000
    assert front.seen[0].headers["range"] == "bytes=0-999"
    assert front.sent < size / 4


def test_no_byte_of_an_empty_object_is_no_error(front: FaultFront, storage: SupabaseStorage) -> None:
    """The hosted server has no range of it, and says so."""
    front.spoil(Answer.coded("InvalidRange", 416))
    assert storage.read(KEY, limit=10) == b""


def test_a_key_that_is_wrong_is_told_of_without_the_key(server: Supabase) -> None:
    storage = SupabaseStorage(ServiceAccess(url=server.url, key="sb_secret_hidden"), retries=AT_ONCE)
    with pytest.raises(StorageRefused, match="the key or the signature does not allow it") as caught:
        put(storage)
    assert "hidden" not in str(caught.value)
    storage.close()


@pytest.mark.parametrize(
    "fault", [Answer(status=401, body=b'{"message": "bad key sb_secret_p5f"}'), Reset(), Stall()]
)
def test_no_secret_is_in_any_log_or_error(
    front: FaultFront,
    storage: SupabaseStorage,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    with caplog.at_level(logging.DEBUG):
        put(storage)
        front.spoil(*[fault] * AT_ONCE.tries)
        with pytest.raises((StorageRefused, StorageUnavailable)) as caught:
            storage.read(KEY)
    assert "sb_secret" not in caplog.text + str(caught.value) + repr(caught.value.__context__)
    assert front.url not in caplog.text + str(caught.value)


def page(*names: str) -> Answer:
    """A folder as the hosted server lists it: plain names; folders, which end with / here, have no id."""
    rows = [{"name": name.rstrip("/"), "id": None if name.endswith("/") else name} for name in names]
    return Answer(status=200, body=json.dumps(rows).encode())


def test_folders_and_pages_are_walked_as_the_hosted_server_lists_them(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    many = [f"{number:04}.png" for number in range(PAGE)]
    front.spoil(
        page("a/", "a-b/", "a.png", "Z.png", "not ours.png"),
        page("1.png"),
        page(*many),
        page("last.png"),
    )
    assert [key.path for key in storage.list("sdxl_fast")] == [
        "Z.png",
        "a-b/1.png",
        "a.png",
        *[f"a/{name}" for name in many],
        "a/last.png",
    ]
    assert front.spent


def test_only_folders_that_may_hold_the_prefix_are_listed(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    front.spoil(page("job-1/", "job-10/", "other/"), page("1-0.png"), page("2-0.png"))
    assert [key.path for key in storage.list("sdxl_fast", "user/job-1")] == [
        "user/job-1/1-0.png",
        "user/job-10/2-0.png",
    ]
