"""Objects above 6 MB travel in pieces, and go on where they broke off."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ourvidz.jobs.storage import ObjectKey, StorageRefused, StorageUnavailable
from ourvidz.runtime.storage.supabase.connection import Retries
from ourvidz.runtime.storage.supabase.resumable import PIECE, RESUMABLE_ABOVE
from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
from ourvidz.runtime.supabase_access import ServiceAccess
from tests.servers.faults import Answer, Fault, FaultFront, LostReply, Reset, Stall
from tests.servers.supabase import KEY as KEY_OF_SERVER

KEY = ObjectKey("sdxl_fast", "user/job/1-0.mp4")

#: Two pieces and a bit.
VIDEO = b"".join(number.to_bytes(4, "big") for number in range((2 * PIECE + 40_000) // 4))


@pytest.fixture
def storage(front: FaultFront, timeouts: httpx.Timeout) -> Iterator[SupabaseStorage]:
    retries = Retries(tries=3, first_pause=0.0, longest_pause=0.0)
    storage = SupabaseStorage(
        ServiceAccess(url=front.url, key=KEY_OF_SERVER), retries=retries, timeouts=timeouts
    )
    yield storage
    storage.close()


def put(storage: SupabaseStorage, data: bytes = VIDEO) -> None:
    storage.put(KEY, data, content_type="video/mp4")


def pieces(front: FaultFront) -> list[tuple[int, int]]:
    """Offset and size of every piece that was sent."""
    return [(int(one.headers["upload-offset"]), one.size) for one in front.seen if one.method == "PATCH"]


def test_a_large_object_is_sent_in_pieces_of_6_mib(front: FaultFront, storage: SupabaseStorage) -> None:
    put(storage)
    rest = len(VIDEO) - 2 * PIECE
    assert pieces(front) == [(0, PIECE), (PIECE, PIECE), (2 * PIECE, rest)]
    assert storage.read(KEY) == VIDEO
    assert list(storage.list("sdxl_fast")) == [KEY]


def test_an_object_of_6_mb_is_sent_at_once(front: FaultFront, storage: SupabaseStorage) -> None:
    put(storage, VIDEO[:RESUMABLE_ABOVE])
    assert [one.method for one in front.seen] == ["POST"]
    assert storage.read(KEY) == VIDEO[:RESUMABLE_ABOVE]


@pytest.mark.parametrize(
    "fault",
    [Reset(), Answer(status=503), Answer.coded("LockTimeout", 503), Answer(status=409)],
    ids=repr,
)
def test_a_piece_that_did_not_arrive_is_sent_again_and_no_other(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    front.spoil(fault, method="PATCH")
    put(storage)
    assert [offset for offset, _ in pieces(front)] == [0, 0, PIECE, 2 * PIECE]
    assert storage.read(KEY) == VIDEO


@pytest.mark.parametrize("fault", [Stall()])
def test_a_piece_that_is_never_answered_is_given_up_and_sent_again(
    front: FaultFront, storage: SupabaseStorage, fault: Fault
) -> None:
    data = VIDEO[: RESUMABLE_ABOVE + 1]
    front.spoil(fault, method="PATCH")
    put(storage, data)
    assert front.spent
    assert storage.read(KEY) == data


def test_a_piece_that_broke_off_goes_on_in_its_middle(front: FaultFront, storage: SupabaseStorage) -> None:
    front.spoil(Reset(after=PIECE // 2), method="PATCH")
    put(storage)
    assert [offset for offset, _ in pieces(front)][:2] == [0, PIECE // 2]
    assert storage.read(KEY) == VIDEO


def test_a_piece_whose_success_was_not_heard_of_is_not_sent_again(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    front.spoil(LostReply(), method="PATCH")
    put(storage)
    assert [offset for offset, _ in pieces(front)] == [0, PIECE, 2 * PIECE]
    assert storage.read(KEY) == VIDEO


def test_an_end_that_was_not_heard_of_is_looked_at(front: FaultFront, storage: SupabaseStorage) -> None:
    data = VIDEO[: RESUMABLE_ABOVE + 1]
    front.spoil(LostReply(), method="PATCH")
    put(storage, data)
    assert front.seen[-1].method == "GET"
    assert storage.read(KEY) == data


def test_an_end_that_made_no_object_is_not_taken_for_success(
    front: FaultFront, storage: SupabaseStorage
) -> None:
    """The server has all bytes and says so, but there is no object of them."""
    data = VIDEO[: RESUMABLE_ABOVE + 1]
    all_there = Answer(status=200, headers={"upload-offset": str(len(data))})
    front.spoil(Answer(status=500), method="PATCH")
    for _ in range(2):
        front.spoil(all_there, method="HEAD")
    with pytest.raises(StorageUnavailable, match="is not any more"):
        put(storage, data)


@pytest.mark.parametrize("method", ["HEAD", "PATCH"])
@pytest.mark.parametrize(
    "answer", [Answer(status=404), Answer(status=410), Answer.coded("NoSuchUpload", 404)]
)
def test_an_upload_that_the_server_forgot_begins_anew(
    front: FaultFront, storage: SupabaseStorage, answer: Answer, method: str
) -> None:
    if method == "HEAD":
        front.spoil(Reset(), method="PATCH")
    front.spoil(answer, method=method)
    put(storage)
    assert [one.method for one in front.seen].count("POST") == 2
    assert storage.read(KEY) == VIDEO


def test_the_same_large_object_may_be_stored_again_and_another_is_refused(storage: SupabaseStorage) -> None:
    put(storage)
    put(storage)
    with pytest.raises(StorageRefused, match="another object has this name"):
        put(storage, VIDEO[:-1] + b"x")
    assert storage.read(KEY) == VIDEO


def test_an_upload_that_makes_no_progress_is_given_up(front: FaultFront, storage: SupabaseStorage) -> None:
    front.spoil(*[Answer(status=204, headers={"upload-offset": "0"})] * 3, method="PATCH")
    with pytest.raises(StorageUnavailable, match="took nothing"):
        put(storage)


def test_the_key_is_sent_to_no_other_host(front: FaultFront, storage: SupabaseStorage) -> None:
    """Wherever the server says that the upload lies, it is looked for at the server itself."""
    elsewhere = Answer(status=201, headers={"location": "https://evil.example/storage/v1/upload/resumable/1"})
    front.spoil(elsewhere, method="POST")
    front.spoil(*[Answer(status=500)] * 3)
    with pytest.raises(StorageUnavailable):
        put(storage)
    assert [one.path for one in front.seen[1:]] == ["/storage/v1/upload/resumable/1"] * 3
