"""A user stops a job of theirs, and nobody else's."""

from __future__ import annotations

import uuid

import pytest

from tests.functions.deployment import Deployment, User
from tests.functions.test_job_callback import event

REQUEST = {"job_type": "placeholder_fast", "prompt": "a harbour"}


@pytest.fixture
def job(deployed: Deployment, user: User) -> str:
    found: str = deployed.call("queue-job", REQUEST, user.token).json()["jobId"]
    return found


def status(deployed: Deployment, job: str) -> str:
    row = deployed.row(job)
    assert row is not None
    found: str = row["status"]
    return found


def test_a_job_that_no_worker_has_read_is_taken_off_its_list(
    deployed: Deployment, user: User, job: str
) -> None:
    answer = deployed.call("cancel-job", {"job_id": job}, user.token)
    assert (answer.status_code, answer.json()) == (200, {"jobId": job, "status": "cancelled"})
    assert not deployed.waiting("placeholder_queue")
    assert status(deployed, job) == "cancelled"
    assert deployed.call("cancel-job", {"job_id": job}, user.token).json()["status"] == "cancelled"


def test_a_job_that_has_ended_stays_as_it_ended(deployed: Deployment, user: User, job: str) -> None:
    deployed.tell(event(job, "completed", 1_999_999))
    assert deployed.call("cancel-job", {"job_id": job}, user.token).json()["status"] == "completed"
    assert status(deployed, job) == "completed"


@pytest.mark.parametrize("whose", ["a stranger's", "nobody's"])
def test_others_find_no_such_job(
    deployed: Deployment, user: User, stranger: User, job: str, whose: str
) -> None:
    named, token = (job, stranger.token) if whose == "a stranger's" else (str(uuid.uuid4()), user.token)
    answer = deployed.call("cancel-job", {"job_id": named}, token)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert status(deployed, job) == "queued"
    assert [payload["job_id"] for payload in deployed.waiting("placeholder_queue")] == [job]


def test_a_queue_that_is_away_is_said_to_be(deployed: Deployment, user: User, job: str) -> None:
    with deployed.queue_away():
        answer = deployed.call("cancel-job", {"job_id": job}, user.token)
    assert answer.status_code == 503
    assert status(deployed, job) == "queued"


def test_a_job_id_that_is_none_is_named(deployed: Deployment, user: User) -> None:
    answer = deployed.call("cancel-job", {"job_id": "the last one"}, user.token)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "job_id")
