"""What a worker tells changes the row of a job once, and nothing forged does."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functions.deployment import KEYS, Deployment, User

PROGRESS = {"stage": "denoise", "step": 3, "steps": 9}
STRANGE_KEY = f"july:{'00' * 16}"


@pytest.fixture
def job(deployed: Deployment, user: User) -> str:
    asked = {"job_type": "placeholder_fast", "prompt": "a harbour"}
    found: str = deployed.call("queue-job", asked, user.token).json()["jobId"]
    return found


def event(job: str, status: str, sequence: int, **more: object) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"job_id": job, "status": status, "sequence": sequence, "at": at, "attempt": 1, **more}


def applied(answer: Any) -> bool:
    assert answer.status_code == 200, answer.text
    found: bool = answer.json()["applied"]
    return found


def seen(deployed: Deployment, job: str) -> dict[str, Any]:
    row = deployed.row(job)
    assert row is not None
    return row


def test_a_row_follows_its_job_to_the_end(deployed: Deployment, job: str) -> None:
    started = datetime.now(UTC).isoformat()
    running = event(job, "processing", 1_000_001, started_at=started, progress=PROGRESS)
    assert applied(deployed.tell(running))
    row = seen(deployed, job)
    assert (row["status"], row["attempts"], row["progress"]) == ("processing", 1, PROGRESS)
    assert row["started_at"] is not None
    assert row["completed_at"] is None
    failed = event(job, "failed", 1_999_999, error={"code": "out_of_memory", "message": "no room"})
    assert applied(deployed.tell(failed))
    row = seen(deployed, job)
    assert (row["status"], row["error_code"], row["error_message"]) == ("failed", "out_of_memory", "no room")
    assert row["completed_at"] is not None
    assert row["progress"] is None


def test_twice_is_as_once(deployed: Deployment, job: str) -> None:
    running = event(job, "processing", 1_000_001, progress=PROGRESS)
    assert applied(deployed.tell(running))
    before = seen(deployed, job)
    assert not applied(deployed.tell(running))
    assert seen(deployed, job) == before


def test_what_comes_late_changes_nothing(deployed: Deployment, job: str) -> None:
    assert applied(deployed.tell(event(job, "processing", 1_000_005, progress=PROGRESS)))
    before = seen(deployed, job)
    assert not applied(deployed.tell(event(job, "processing", 1_000_004)))
    assert seen(deployed, job) == before


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_nothing_changes_a_job_that_has_ended(deployed: Deployment, job: str, end: str) -> None:
    assert applied(deployed.tell(event(job, end, 1_999_999)))
    before = seen(deployed, job)
    assert not applied(deployed.tell(event(job, "processing", 2_000_001)))
    assert not applied(deployed.tell(event(job, "completed", 2_999_999)))
    assert seen(deployed, job) == before


def test_a_failed_job_that_is_retried_completes_in_a_row_that_was_opened_again(
    deployed: Deployment, job: str
) -> None:
    """As the documentation says to before ``ourvidz dead-letters retry``."""
    failed = event(job, "failed", 1_999_999, error={"code": "model_failed", "message": "black"})
    assert applied(deployed.tell(failed))
    retried = event(job, "processing", 2_000_001, attempt=2)
    assert not applied(deployed.tell(retried))
    deployed.platform.update(job, status="queued", completed_at=None)
    assert not applied(deployed.tell(failed))
    assert applied(deployed.tell(retried))
    assert applied(deployed.tell(event(job, "completed", 2_999_999, attempt=2)))
    row = seen(deployed, job)
    assert (row["status"], row["attempts"], row["error_code"]) == ("completed", 2, None)
    assert row["completed_at"] is not None


def test_a_job_without_a_row_is_nothing_to_try_again(deployed: Deployment) -> None:
    assert not applied(deployed.tell(event(str(uuid.uuid4()), "completed", 1_999_999)))


@pytest.mark.parametrize("keys", KEYS.split(","))
def test_each_of_two_keys_signs_while_one_is_exchanged(deployed: Deployment, job: str, keys: str) -> None:
    assert applied(deployed.tell(event(job, "processing", 1_000_001), keys))


def test_a_signature_by_an_unknown_key_beside_a_right_one_does_no_harm(
    deployed: Deployment, job: str
) -> None:
    assert applied(
        deployed.tell(event(job, "processing", 1_000_001), f"june:{'00' * 16},{KEYS.split(',')[1]}")
    )


@pytest.mark.parametrize("keys", [STRANGE_KEY, f"june:{'5e' * 16}"])
def test_what_no_key_of_ours_signed_is_refused(deployed: Deployment, job: str, keys: str) -> None:
    before = seen(deployed, job)
    answer = deployed.tell(event(job, "completed", 1_999_999), keys)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert seen(deployed, job) == before


@pytest.mark.parametrize("seconds", [-280, 280])
def test_clocks_may_differ_by_minutes(deployed: Deployment, job: str, seconds: int) -> None:
    assert applied(deployed.tell(event(job, "processing", 1_000_001), at=int(time.time()) + seconds))


@pytest.mark.parametrize("seconds", [-320, 320])
def test_a_recorded_callback_is_refused_later(deployed: Deployment, job: str, seconds: int) -> None:
    answer = deployed.tell(event(job, "completed", 1_999_999), at=int(time.time()) + seconds)
    assert answer.status_code == 401
    assert seen(deployed, job)["status"] == "queued"


def test_a_body_that_was_changed_on_its_way_is_refused(deployed: Deployment, job: str) -> None:
    headers: Mapping[str, str] = deployed.tell(event(job, "processing", 1_000_001)).request.headers
    forged = json.dumps(event(job, "completed", 1_999_999)).encode()
    kept = {name: value for name, value in headers.items() if name.startswith("x-ourvidz")}
    assert deployed.post("job-callback", forged, kept).status_code == 401
    assert deployed.post("job-callback", forged, {}).status_code == 401
    assert seen(deployed, job)["status"] == "processing"


def test_an_event_that_cannot_be_read_is_named(deployed: Deployment, job: str) -> None:
    answer = deployed.tell(event(job, "done", 1_999_999))
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "status")
