"""A worker without the service key stores and reads by signed URLs, and nothing beyond its own claim."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from ourvidz.errors import NotReady
from ourvidz.jobs.callback import SIGNATURE_HEADER
from ourvidz.jobs.storage import (
    ObjectKey,
    ObjectNotFound,
    StorageRefused,
    StorageUnavailable,
    input_key,
    result_key,
)
from ourvidz.runtime.callback.signing import Key
from ourvidz.runtime.storage.supabase.connection import TIMEOUTS, Retries
from ourvidz.runtime.storage.supabase.signed import SignedStorage, Signer
from tests.conformance.jobs import USER, job_id
from tests.conformance.storage import OTHER, PNG
from tests.servers.faults import Answer, Fault, FaultFront, LostReply, Reset, Stall, fault_front
from tests.servers.signing import SigningEndpoint, signing_endpoint
from tests.servers.supabase import Supabase

WORKER_KEY = Key("july", "worker-secret-of-32-characters-7")
KEY = result_key("sdxl_fast", USER, job_id(0), 3, "0.png")
AT_ONCE = Retries(tries=3, first_pause=0.0, longest_pause=0.0)


@pytest.fixture
def endpoint(server: Supabase, front: FaultFront) -> Iterator[SigningEndpoint]:
    """Signs for the storage behind the front; claim 3 holds job 0."""
    with signing_endpoint(server, WORKER_KEY, storage_url=front.url) as endpoint:
        endpoint.claims[job_id(0)] = 3
        yield endpoint


@pytest.fixture
def storage(endpoint: SigningEndpoint, timeouts: httpx.Timeout) -> Iterator[SignedStorage]:
    yield from opened(endpoint.url, timeouts=timeouts)


def opened(url: str, key: Key = WORKER_KEY, timeouts: httpx.Timeout = TIMEOUTS) -> Iterator[SignedStorage]:
    storage = SignedStorage(Signer(url=url, keys=(key,)), retries=AT_ONCE, timeouts=timeouts)
    yield storage
    storage.close()


def put(storage: SignedStorage, key: ObjectKey = KEY, data: bytes = PNG) -> None:
    storage.put(key, data, content_type="image/png")


def test_a_result_is_stored_and_read_by_signed_urls(
    front: FaultFront, endpoint: SigningEndpoint, storage: SignedStorage
) -> None:
    put(storage)
    assert storage.read(KEY) == PNG
    assert storage.read(KEY, limit=4) == PNG[:4]
    upload = endpoint.asked[0]
    assert upload.model_dump() == {
        "version": 1,
        "operation": "upload",
        "job_id": job_id(0),
        "token": 3,
        "key": str(KEY),
        "content_type": "image/png",
        "size": len(PNG),
    }
    assert [one.method for one in front.seen] == ["PUT", "GET", "GET"]


def test_neither_the_service_key_nor_a_signature_goes_where_it_does_not_belong(
    front: FaultFront, storage: SignedStorage
) -> None:
    put(storage)
    storage.read(KEY)
    names = {name.lower() for one in front.seen for name in one.headers}
    assert not names & {"authorization", "apikey", SIGNATURE_HEADER.lower()}


def test_an_init_image_of_a_users_is_read(server: Supabase, storage: SignedStorage) -> None:
    key = input_key("init_images", USER, job_id(5), "init_image.png")
    address = f"{server.url}/storage/v1/object/{key}"
    headers = {**server.headers, "content-type": "image/png"}
    httpx.post(address, content=PNG, headers=headers).raise_for_status()
    assert storage.read(key) == PNG


def test_an_object_that_is_not_there_is_not_found(storage: SignedStorage) -> None:
    with pytest.raises(ObjectNotFound):
        storage.read(KEY)


def test_a_claim_that_lost_its_lease_stores_nothing(
    endpoint: SigningEndpoint, storage: SignedStorage
) -> None:
    endpoint.claims[job_id(0)] = 4
    with pytest.raises(StorageRefused, match="another worker holds this job"):
        put(storage)
    with pytest.raises(ObjectNotFound):
        storage.read(KEY)


def test_a_lease_that_is_lost_between_two_tries_ends_them(
    front: FaultFront, endpoint: SigningEndpoint, storage: SignedStorage
) -> None:
    """Every try asks anew."""
    front.spoil(Answer(status=503), method="PUT")
    front.on_fault = lambda: endpoint.claims.update({job_id(0): 4})
    with pytest.raises(StorageRefused, match="another worker"):
        put(storage)


def test_a_key_that_no_worker_has_is_refused_without_showing_it(endpoint: SigningEndpoint) -> None:
    for storage in opened(endpoint.url, Key("july", "secret-of-nobody")):
        with pytest.raises(StorageRefused, match="401") as caught:
            put(storage)
        assert "secret-of-nobody" not in str(caught.value)
    assert endpoint.asked == []


def test_the_same_bytes_may_be_stored_again_and_others_are_refused(storage: SignedStorage) -> None:
    put(storage)
    put(storage)
    with pytest.raises(StorageRefused, match="another object has this name"):
        put(storage, data=OTHER)
    assert storage.read(KEY) == PNG


@pytest.mark.parametrize("fault", [Answer(status=500), Reset(after=8), Stall(), LostReply()], ids=repr)
def test_an_upload_outlasts_a_fault_that_passes(
    front: FaultFront, storage: SignedStorage, fault: Fault
) -> None:
    front.spoil(fault, method="PUT")
    put(storage)
    assert front.spent
    assert storage.read(KEY) == PNG


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500),
        Answer(status=200, body=b"<html>"),
        Answer(status=200, body=b'{"version": 2, "url": "https://example.com"}'),
        Answer(status=400, body=b'{"code": "storage_unavailable", "message": "later"}'),
        Reset(),
        Stall(),
    ],
    ids=repr,
)
def test_an_endpoint_that_fails_for_a_moment_is_asked_again(
    endpoint: SigningEndpoint, timeouts: httpx.Timeout, fault: Fault
) -> None:
    with fault_front(endpoint.url.removesuffix("/functions/v1/storage-urls")) as signer_front:
        signer_front.spoil(fault)
        for storage in opened(f"{signer_front.url}/functions/v1/storage-urls", timeouts=timeouts):
            put(storage)
            assert signer_front.spent
            assert storage.read(KEY) == PNG
            signer_front.spoil(*[fault] * AT_ONCE.tries)
            with pytest.raises(StorageUnavailable):
                put(storage)


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "x", ""])
def test_results_are_sent_to_no_address_that_others_can_read(endpoint: SigningEndpoint, url: str) -> None:
    with fault_front(endpoint.url) as signer_front:
        signer_front.spoil(Answer(status=200, body=f'{{"url": "{url}"}}'.encode()))
        for storage in opened(signer_front.url):
            with pytest.raises(StorageRefused, match="not https"):
                put(storage)


def test_what_takes_the_service_key_says_so(storage: SignedStorage) -> None:
    for forbidden in (
        lambda: storage.delete(KEY),
        lambda: storage.list("sdxl_fast"),
        lambda: put(storage, input_key("init_images", USER, job_id(0), "init_image.png")),
    ):
        with pytest.raises(StorageRefused, match="use the storage supabase:"):
            forbidden()


@pytest.mark.parametrize(
    "fault", [Answer(status=403, body=b'{"message": "bad ?token=eyJ"}'), Reset(), Stall()], ids=repr
)
def test_no_signed_url_and_no_secret_is_in_any_log_or_error(
    front: FaultFront, storage: SignedStorage, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    front.spoil(*[fault] * AT_ONCE.tries)
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises((StorageRefused, StorageUnavailable)) as caught,
    ):
        put(storage)
    told = caplog.text + str(caught.value) + repr(caught.value.__context__)
    assert "token=" not in told
    assert WORKER_KEY.secret not in told
    assert front.seen, "expected requests to have been made"


@pytest.mark.parametrize(
    ("url", "environment", "told"),
    [
        ("http://example.com/sign", {}, "expected https"),
        ("https://user:hidden@example.com/sign", {}, "a user name"),
        ("https://example.com/sign?key=hidden", {}, "after"),
        ("", {}, "expected https"),
        ("https://example.com/sign", {}, "OURVIDZ_CALLBACK_KEYS: found nothing"),
        ("https://example.com/sign", {"OURVIDZ_CALLBACK_KEYS": "july:hidden"}, "expected at least 32"),
    ],
)
def test_a_signer_that_is_configured_wrongly_is_told_of_without_its_secrets(
    url: str, environment: dict[str, str], told: str
) -> None:
    with pytest.raises(NotReady, match=told) as caught:
        Signer.read(url, environment)
    assert "hidden" not in str(caught.value)


def test_a_signer_does_not_show_its_secret() -> None:
    signer = Signer.read("https://example.com/sign/", {"OURVIDZ_CALLBACK_KEYS": f"july:hidden{'0' * 32}"})
    assert "hidden" not in repr(signer)
    assert urlsplit(signer.url).path == "/sign"
