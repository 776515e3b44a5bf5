"""The JSON Schemas of envelope and event accept what the models write, and refuse what they refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from ourvidz.jobs.envelope import MAX_SEED, Envelope, envelope_schema
from ourvidz.jobs.events import JobEvent, Progress, event_schema
from ourvidz.jobs.signing import (
    DownloadRequest,
    SignedUrl,
    UploadRequest,
    read_signing_request,
    signing_schemas,
)
from ourvidz.jobs.states import Failure, Reason
from tests.conformance.jobs import FULL_RESULT, SUBMITTED, USER, envelope, job_id

ENVELOPE = Draft202012Validator(envelope_schema())
EVENT = Draft202012Validator(event_schema())

_IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_METADATA = st.dictionaries(_TEXTS, _JSON, max_size=3)
_TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),
    max_value=datetime(2999, 12, 31),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)
_NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6)

ENVELOPES = st.builds(
    Envelope,
    job_id=st.uuids().map(str),
    job_type=_IDENTIFIERS,
    user_id=st.uuids().map(str),
    prompt=_TEXTS,
    negative_prompt=st.none() | _TEXTS,
    seed=st.none() | st.integers(0, MAX_SEED),
    num_images=st.integers(1, 16),
    params=st.dictionaries(_IDENTIFIERS, st.booleans() | _NUMBERS | _TEXTS, max_size=3),
    inputs=st.dictionaries(
        st.sampled_from(["init_image", "first_frame"]),
        st.sampled_from(["uploads/a/b-1.png", "https://example.org:8443/a%20b.png?token=x"]),
        max_size=2,
    ),
    spec_digest=st.none() | st.just("sha256:" + "0f" * 32),
    priority=st.integers(-100, 100),
    submitted_at=_TIMES,
    metadata=_METADATA,
)

FAILURE = Failure(
    code="output_invalid", message="black", before=Reason(code="timed_out", message="no progress for 120 s")
)

EVENTS = st.builds(
    JobEvent,
    job_id=st.uuids().map(str),
    sequence=st.integers(1, 2**53),
    status=st.sampled_from(["queued", "processing", "completed", "failed", "cancelled"]),
    at=_TIMES,
    user_id=st.none() | st.uuids().map(str),
    job_type=st.none() | _IDENTIFIERS,
    attempt=st.integers(0, 20),
    progress=st.none() | st.just(Progress(stage="denoise", step=1, steps=20)),
    result=st.none() | st.just(FULL_RESULT),
    error=st.none() | st.just(FAILURE),
    metadata=_METADATA,
)

WRITTEN: dict[str, Any] = json.loads(envelope(1).to_payload())
TOLD: dict[str, Any] = json.loads(
    JobEvent(
        job_id=job_id(1), sequence=1, status="completed", at=SUBMITTED, user_id=USER, result=FULL_RESULT
    ).model_dump_json()
)


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(envelope_schema())
    Draft202012Validator.check_schema(event_schema())


@given(ENVELOPES)
def test_every_envelope_is_accepted_as_it_is_written(written: Envelope) -> None:
    ENVELOPE.validate(json.loads(written.to_payload()))
    assert Envelope.model_validate_json(written.to_payload()) == written


@given(EVENTS)
def test_every_event_is_accepted_as_it_is_written(written: JobEvent) -> None:
    body = written.model_dump_json()
    EVENT.validate(json.loads(body))
    assert JobEvent.model_validate_json(body) == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("version", True),
        ("job_id", "7"),
        ("job_id", job_id(1).replace("-", "")),
        ("job_type", "SDXL image"),
        ("prompt", ""),
        ("prompt", "x" * 10_001),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("seed", 1.5),
        ("seed", "0x10"),
        ("num_images", 0),
        ("num_images", 17),
        ("num_images", "1"),
        ("params", {"steps": None}),
        ("params", {"steps": [1]}),
        ("inputs", {"picture": "uploads/a.png"}),
        ("inputs", {"init_image": "http://example.org/a.png"}),
        ("inputs", {"init_image": "https://user@example.org/a.png"}),
        ("inputs", {"init_image": "https://"}),
        ("inputs", {"init_image": "uploads/../a.png"}),
        ("spec_digest", "sha1:0"),
        ("priority", 101),
        ("submitted_at", "0001-01-01T00:00+14:00"),
        ("submitted_at", "1999-12-31T23:59:59Z"),
        ("submitted_at", 1751371200),
        ("metadata", []),
        ("surprise", 1),
    ],
)
def test_schema_and_model_refuse_the_same_envelopes(name: str, value: object) -> None:
    wrong = WRITTEN | {name: value}
    assert not ENVELOPE.is_valid(wrong)
    with pytest.raises(ValidationError):
        Envelope.model_validate_json(json.dumps(wrong))


@pytest.mark.parametrize("name", ["job_id", "job_type", "user_id", "prompt", "submitted_at"])
def test_schema_and_model_demand_the_same_fields(name: str) -> None:
    wrong = {key: value for key, value in WRITTEN.items() if key != name}
    assert not ENVELOPE.is_valid(wrong)
    with pytest.raises(ValidationError):
        Envelope.model_validate_json(json.dumps(wrong))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("sequence", 0),
        ("status", "done"),
        ("attempt", -1),
        ("error", {"code": "Out Of Memory", "message": ""}),
        ("result", {}),
        ("progress", {"stage": "denoise", "step": -1, "steps": 2}),
        ("surprise", 1),
    ],
)
def test_schema_and_model_refuse_the_same_events(name: str, value: object) -> None:
    wrong = TOLD | {name: value}
    assert not EVENT.is_valid(wrong)
    with pytest.raises(ValidationError):
        JobEvent.model_validate_json(json.dumps(wrong))


UPLOAD = UploadRequest(
    job_id=job_id(0), token=3, key=f"sdxl_fast/{USER}/{job_id(0)}/3-0.png", content_type="image/png", size=7
)


@pytest.mark.parametrize("request_", [UPLOAD, DownloadRequest(key="init_images/a.png")])
def test_a_signing_request_is_read_as_it_was_written(request_: UploadRequest | DownloadRequest) -> None:
    body = request_.model_dump_json().encode()
    assert read_signing_request(body) == request_
    assert Draft202012Validator(signing_schemas()[type(request_).__name__]).is_valid(json.loads(body))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("operation", "delete"),
        ("token", 0),
        ("token", "3"),
        ("key", "sdxl_fast/../a.png"),
        ("size", -1),
        ("job_id", "1"),
        ("surprise", 1),
    ],
)
def test_schema_and_model_refuse_the_same_signing_requests(name: str, value: object) -> None:
    wrong = json.loads(UPLOAD.model_dump_json()) | {name: value}
    assert not Draft202012Validator(signing_schemas()["UploadRequest"]).is_valid(wrong)
    with pytest.raises(ValidationError):
        read_signing_request(json.dumps(wrong).encode())


def test_a_signed_url_is_not_shown() -> None:
    assert "secret" not in repr(SignedUrl(url="https://example.org/?token=secret"))
