"""A request becomes one row and one job on a queue, or nothing at all."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ourvidz.jobs.envelope import Envelope
from tests.functions.deployment import Deployment, User

REQUEST = {"job_type": "placeholder_fast", "prompt": "a harbour"}


def test_a_request_becomes_a_row_and_an_envelope_that_workers_read(deployed: Deployment, user: User) -> None:
    asked = REQUEST | {"seed": 7, "params": {"steps": 9}, "metadata": {"project": "summer"}}
    answer = deployed.call("queue-job", asked, user.token)
    assert answer.status_code == 200, answer.text
    status = answer.json()
    assert status == {
        "jobId": status["jobId"],
        "jobType": "placeholder_fast",
        "status": "queued",
        "estimatedTime": 2,
        "queuePosition": 1,
        "workerType": "PLACEHOLDER",
    }
    row = deployed.row(status["jobId"])
    assert row is not None
    assert (row["user_id"], row["job_type"], row["status"]) == (user.id, "placeholder_fast", "queued")
    assert (row["format"], row["quality"], row["worker_type"]) == ("image", "fast", "PLACEHOLDER")
    assert row["metadata"] == {"project": "summer"}
    (payload,) = deployed.waiting("placeholder_queue")
    envelope = Envelope.model_validate_json(json.dumps(payload))
    assert (envelope.job_id, envelope.user_id) == (status["jobId"], user.id)
    assert (envelope.seed, envelope.params) == (7, {"steps": 9})
    spec = deployed.project.catalog.job_types["placeholder_fast"]
    assert envelope.spec_digest == spec.digest


def test_the_second_in_line_waits_for_the_first(deployed: Deployment, user: User, stranger: User) -> None:
    deployed.call("queue-job", REQUEST, stranger.token)
    second = deployed.call("queue-job", REQUEST, user.token).json()
    assert (second["queuePosition"], second["estimatedTime"]) == (2, 4)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"job_type": "placeholder_fats", "prompt": "a harbour"}, "job_type"),
        ({"job_type": "constructor", "prompt": "a harbour"}, "job_type"),
        ({"job_type": "placeholder_fast"}, "prompt"),
        (REQUEST | {"params": {"steps": 1001}}, "params.steps"),
        (REQUEST | {"storage_bucket": "sdxl_fast"}, "storage_bucket"),
        (REQUEST | {"user_id": str(uuid.uuid4())}, "user_id"),
        (REQUEST | {"priority": 100}, "priority"),
        ({"job_type": "sdxl_from_a_picture", "prompt": "a harbour"}, "inputs"),
        (b"{", ""),
    ],
)
def test_wrong_input_is_refused_with_field_and_reason(
    deployed: Deployment, user: User, request_: object, field: str
) -> None:
    answer = deployed.call("queue-job", request_, user.token)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")
    (problem,) = answer.json()["problems"]
    assert problem["field"] == field
    assert "expected" in problem["reason"] or "no such field" in problem["reason"]
    assert not deployed.waiting("placeholder_queue")


@pytest.mark.parametrize("token", [None, "nobodys.access.token"])
def test_who_has_not_signed_in_is_refused(deployed: Deployment, token: str | None) -> None:
    answer = deployed.call("queue-job", REQUEST, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert not deployed.waiting("placeholder_queue")


def test_a_retry_makes_no_second_job(deployed: Deployment, user: User) -> None:
    keyed = REQUEST | {"idempotency_key": "summer-1"}
    first = deployed.call("queue-job", keyed, user.token).json()
    assert deployed.call("queue-job", keyed, user.token).json() == first
    assert [payload["job_id"] for payload in deployed.waiting("placeholder_queue")] == [first["jobId"]]


def test_retries_at_the_same_time_make_one_job(deployed: Deployment, user: User) -> None:
    keyed = REQUEST | {"idempotency_key": "summer-2"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: deployed.call("queue-job", keyed, user.token), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    (job,) = {answer.json()["jobId"] for answer in answers}
    assert [row["id"] for row in _rows(deployed, user)] == [job]
    # Workers drop a second envelope of the same job.
    assert {payload["job_id"] for payload in deployed.waiting("placeholder_queue")} == {job}


def test_the_same_key_of_somebody_else_is_another_job(
    deployed: Deployment, user: User, stranger: User
) -> None:
    keyed = REQUEST | {"idempotency_key": "summer-3"}
    one, other = (deployed.call("queue-job", keyed, who.token).json()["jobId"] for who in (user, stranger))
    assert one != other


def test_a_key_is_good_for_one_job_type(deployed: Deployment, user: User) -> None:
    keyed = REQUEST | {"idempotency_key": "summer-4"}
    deployed.call("queue-job", keyed, user.token)
    answer = deployed.call("queue-job", keyed | {"job_type": "placeholder_two_wait"}, user.token)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "idempotency_key")


@pytest.mark.parametrize(
    ("job_type", "code"),
    [("placeholder_two_wait", "too_many_waiting"), ("placeholder_two_a_minute", "too_many_per_minute")],
)
def test_a_user_over_quota_is_refused_and_others_are_not(
    deployed: Deployment, user: User, stranger: User, job_type: str, code: str
) -> None:
    asked = REQUEST | {"job_type": job_type}
    assert [deployed.call("queue-job", asked, user.token).status_code for _ in range(2)] == [200, 200]
    answer = deployed.call("queue-job", asked, user.token)
    assert (answer.status_code, answer.json()["code"]) == (429, code)
    assert len(_rows(deployed, user)) == 2
    assert len(deployed.waiting("placeholder_queue")) == 2
    assert deployed.call("queue-job", asked, stranger.token).status_code == 200


@pytest.mark.parametrize("keyed", [{}, {"idempotency_key": "summer-5"}])
def test_a_push_that_fails_leaves_nothing_and_can_be_tried_again(
    deployed: Deployment, user: User, keyed: dict[str, str]
) -> None:
    with deployed.queue_away():
        answer = deployed.call("queue-job", REQUEST | keyed, user.token)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert not _rows(deployed, user)
    again = deployed.call("queue-job", REQUEST | keyed, user.token)
    assert again.status_code == 200
    assert [row["id"] for row in _rows(deployed, user)] == [again.json()["jobId"]]


def test_a_picture_that_is_missing_is_named(deployed: Deployment, user: User) -> None:
    answer = deployed.call("queue-job", _from(f"init_images/{user.id}/harbour.png"), user.token)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "inputs.init_image")
    assert not deployed.waiting("sdxl_queue")


def test_a_picture_of_somebody_else_is_refused(deployed: Deployment, user: User, stranger: User) -> None:
    path = f"{stranger.id}/harbour.png"
    deployed.upload(stranger, path, b"\x89PNG").raise_for_status()
    answer = deployed.call("queue-job", _from(f"init_images/{path}"), user.token)
    assert (answer.status_code, answer.json()["code"]) == (403, "input_of_another_user")
    assert not _rows(deployed, user)


def test_a_known_key_brings_in_no_picture_of_somebody_else(
    deployed: Deployment, user: User, stranger: User
) -> None:
    mine, theirs = (f"{who.id}/harbour.png" for who in (user, stranger))
    for who, path in ((user, mine), (stranger, theirs)):
        deployed.upload(who, path, b"\x89PNG").raise_for_status()
    keyed = {"idempotency_key": "summer-6"}
    deployed.call("queue-job", _from(f"init_images/{mine}") | keyed, user.token).raise_for_status()
    answer = deployed.call("queue-job", _from(f"init_images/{theirs}") | keyed, user.token)
    assert (answer.status_code, answer.json()["code"]) == (403, "input_of_another_user")
    assert len(deployed.waiting("sdxl_queue")) == 1


def test_nobody_uploads_into_the_folder_of_somebody_else(
    deployed: Deployment, user: User, stranger: User
) -> None:
    assert not deployed.upload(user, f"{stranger.id}/harbour.png", b"\x89PNG").is_success


def test_browsers_may_ask(deployed: Deployment) -> None:
    answer = httpx.options(deployed.urls["queue-job"], trust_env=False)
    assert answer.headers["access-control-allow-headers"].startswith("authorization")


def _from(place: str) -> dict[str, object]:
    return {"job_type": "sdxl_from_a_picture", "prompt": "a harbour", "inputs": {"init_image": place}}


def _rows(deployed: Deployment, user: User) -> list[dict[str, object]]:
    return [row for row in deployed.platform.rows().values() if row["user_id"] == user.id]
