"""A worker without a key to the storage gets a URL to one object of its newest claim, and to nothing else."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest

from ourvidz.jobs.queue import Claim, Queue
from ourvidz.runtime.backends import open_queue
from tests.functions.deployment import KEYS, Deployment, User

BYTES = b"\x89PNG and so on"


@dataclass(frozen=True, slots=True)
class Held:
    """A job that a worker has claimed."""

    claim: Claim
    user: User

    def request(self, **changes: object) -> dict[str, object]:
        lease = self.claim.lease
        key = f"placeholder_fast/{self.user.id}/{lease.job_id}/{lease.token}-0.png"
        request = {"operation": "upload", "job_id": lease.job_id, "token": lease.token, "key": key}
        return {**request, "content_type": "image/png", "size": len(BYTES), **changes}


@pytest.fixture
def queue(deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    for name, value in deployed.worker_environment().items():
        monkeypatch.setenv(name, value)
    with closing(open_queue(deployed.project)) as queue:
        yield queue


@pytest.fixture
def held(deployed: Deployment, user: User, queue: Queue) -> Held:
    deployed.call("queue-job", {"job_type": "placeholder_fast", "prompt": "a harbour"}, user.token)
    claim = queue.claim(["placeholder_queue"], worker="one", lease_seconds=60, nonce=uuid.uuid4().hex)
    assert claim is not None
    return Held(claim, user)


def put(url: str) -> httpx.Response:
    return httpx.put(url, content=BYTES, headers={"content-type": "image/png"}, trust_env=False)


def test_the_url_takes_the_object_and_reading_gives_it_back(
    deployed: Deployment, user: User, held: Held
) -> None:
    request = held.request()
    url = deployed.sign(request).json()["url"]
    assert put(url).is_success
    bucket, _, path = str(request["key"]).partition("/")
    assert deployed.fetch(user, bucket, path).content == BYTES
    asked = {"operation": "download", "key": request["key"]}
    reading = deployed.sign(asked).json()["url"]
    assert httpx.get(reading, trust_env=False).content == BYTES


def test_the_url_is_good_for_no_other_object(deployed: Deployment, held: Held) -> None:
    url = deployed.sign(held.request()).json()["url"]
    assert not put(url.replace("-0.png", "-1.png")).is_success


@pytest.mark.parametrize("keys", KEYS.split(","))
def test_each_of_two_keys_signs_while_one_is_exchanged(deployed: Deployment, held: Held, keys: str) -> None:
    assert deployed.sign(held.request(), keys).status_code == 200


@pytest.mark.parametrize(("keys", "seconds"), [(f"july:{'00' * 16}", 0), (KEYS, -320), (KEYS, 320)])
def test_who_is_no_worker_or_signed_long_ago_gets_nothing(
    deployed: Deployment, held: Held, keys: str, seconds: int
) -> None:
    answer = deployed.sign(held.request(), keys, at=int(time.time()) + seconds)
    assert (answer.status_code, answer.json()["code"]) == (401, "storage_refused")
    assert "url" not in answer.json()


def test_a_signature_is_good_for_what_it_signed_alone(deployed: Deployment, held: Held) -> None:
    request = held.request()
    headers = deployed.sign(request).request.headers
    kept = {name: value for name, value in headers.items() if name.startswith("x-ourvidz")}
    other = json.dumps(request | {"size": 1}).encode()
    assert deployed.post("sign-upload", other, kept).status_code == 401


def test_a_user_is_no_worker(deployed: Deployment, user: User, held: Held) -> None:
    assert deployed.call("sign-upload", held.request(), user.token).status_code == 401


def test_a_claim_that_is_not_the_newest_stores_nothing(deployed: Deployment, held: Held) -> None:
    token = held.claim.lease.token + 1
    key = str(held.request()["key"]).replace(f"/{held.claim.lease.token}-", f"/{token}-")
    answer = deployed.sign(held.request(token=token, key=key))
    assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")


def test_a_job_that_nobody_knows_has_no_claim(deployed: Deployment, held: Held) -> None:
    answer = deployed.sign(held.request(job_id=str(uuid.uuid4())))
    assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")


@pytest.mark.parametrize(
    "key",
    [
        "placeholder_video/{user}/{job}/{token}-0.png",
        "init_images/{user}/{job}/{token}-0.png",
        "placeholder_fast/{other}/{job}/{token}-0.png",
        "placeholder_fast/{user}/{other}/{token}-0.png",
        "placeholder_fast/{user}/{job}/{token}0-0.png",
        "placeholder_fast/{user}/{job}/{token}-0/more.png",
        "placeholder_fast/{user}/{job}/{token}-x.png",
    ],
)
def test_a_claim_stores_its_own_results_alone(deployed: Deployment, held: Held, key: str) -> None:
    lease = held.claim.lease
    named = key.format(user=held.user.id, job=lease.job_id, token=lease.token, other=uuid.uuid4())
    answer = deployed.sign(held.request(key=named))
    assert (answer.status_code, answer.json()["code"]) == (403, "storage_refused")


@pytest.mark.parametrize("changes", [{"content_type": "text/html"}, {"size": -1}, {"operation": "delete"}])
def test_what_the_bucket_does_not_take_is_refused(
    deployed: Deployment, held: Held, changes: dict[str, object]
) -> None:
    answer = deployed.sign(held.request(**changes))
    assert answer.status_code in (400, 403)
    assert answer.json()["code"] == "storage_refused"


def test_what_is_not_there_cannot_be_read(deployed: Deployment, user: User) -> None:
    asked = {"operation": "download", "key": f"init_images/{user.id}/none.png"}
    answer = deployed.sign(asked)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
