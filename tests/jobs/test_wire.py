"""Bytes from a queue are an envelope, or an error that says what is wrong with which field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ourvidz.jobs.envelope import MAX_PAYLOAD, MAX_SEED, Envelope, EnvelopeInvalid
from ourvidz.jobs.wire import EXPECTED, read_envelope
from tests.conformance.jobs import envelope, job_id
from tests.jobs import deployed_payloads as deployed
from tests.jobs.deployed_payloads import encoded
from tests.jobs.malformed import malformed_payloads

FIELDS: dict[str, Any] = json.loads(envelope(1).to_payload())


def error(payload: bytes) -> EnvelopeInvalid:
    with pytest.raises(EnvelopeInvalid) as caught:
        read_envelope(payload)
    return caught.value


def test_an_envelope_is_read_as_it_was_written() -> None:
    written = envelope(1, priority=7, metadata={"a": [1, None, {"b": 2.5}]})
    assert read_envelope(written.to_payload()) == written


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("version", 2, "version: found 2, expected 1"),
        ("version", True, "version: found True, expected 1"),
        ("version", "1", "version: found '1', expected 1"),
        ("job_type", "SDXL", "job_type: found 'SDXL', expected the name of a job type, of a-z, 0-9 and _"),
        ("user_id", 5, "user_id: found 5, expected a UUID"),
        ("prompt", "", "prompt: found a text of 0 characters, expected a text of 1 to 10000 characters"),
        ("prompt", 5, "prompt: found a number, expected a text of 1 to 10000 characters"),
        ("seed", -1, f"seed: found -1, expected a whole number from 0 to {MAX_SEED}"),
        ("seed", 1.5, f"seed: found 1.5, expected a whole number from 0 to {MAX_SEED}"),
        ("seed", MAX_SEED + 1, f"seed: found {MAX_SEED + 1}, expected a whole number from 0 to {MAX_SEED}"),
        ("seed", "٣", f"seed: found '\\u0663', expected a whole number from 0 to {MAX_SEED}"),
        ("num_images", 0, "num_images: found 0, expected a whole number from 1 to 16"),
        ("num_images", True, "num_images: found True, expected a whole number from 1 to 16"),
        ("num_images", "3", "num_images: found '3', expected a whole number from 1 to 16"),
        ("params", [], "params: found a list of 0, expected an object of parameters"),
        ("params", {"steps": None}, "params.steps: found null, expected a number, a text or a boolean"),
        (
            "params",
            {"A b": 1},
            "params.A b: not a known name, expected a parameter's name, of a-z, 0-9 and _",
        ),
        (
            "inputs",
            {"init_image": "http://x"},
            "inputs.init_image: found a URL, expected a storage key",
        ),
        ("inputs", {"picture": "a/b"}, "inputs.picture: not a known name, expected init_image or"),
        ("priority", 101, "priority: found 101, expected a whole number from -100 to 100"),
        ("submitted_at", 1751371200, "submitted_at: found 1751371200, expected a time from 2000 to 2999"),
        ("submitted_at", "2025-07-01T12:00:00", "submitted_at: found '2025-07-01T12:00:00', expected a time"),
        ("metadata", None, "metadata: found null, expected an object"),
        ("promt", "x", "promt: version 1 has no such field; did you mean prompt?"),
        ("zzz", 1, "zzz: version 1 has no such field; it has version, job_id, "),
    ],
)
def test_a_wrong_field_is_named_with_what_was_found_and_expected(
    name: str, value: object, message: str
) -> None:
    refused = error(encoded(FIELDS | {name: value}))
    assert str(refused).startswith(message)
    assert refused.job_id == job_id(1)


@pytest.mark.parametrize("name", ["job_id", "job_type", "user_id", "prompt", "submitted_at"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    refused = error(encoded({key: value for key, value in FIELDS.items() if key != name}))
    assert str(refused) == f"{name}: missing, expected {EXPECTED[name]}"


def test_every_wrong_field_is_named_at_once() -> None:
    refused = str(error(encoded(FIELDS | {"seed": -1, "priority": 999})))
    assert "seed: " in refused
    assert "priority: " in refused


def test_every_field_has_its_expectation_in_words() -> None:
    assert set(EXPECTED) == set(Envelope.model_fields)


def test_what_a_user_wrote_stands_in_no_message() -> None:
    for name in ("prompt", "negative_prompt"):
        assert "private words" not in str(error(encoded(FIELDS | {name: ["private words"]})))
        assert "private words" not in str(error(encoded(FIELDS | {name: "private words " * 2000})))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "found no JSON"),
        (b"lpush", "found no JSON"),
        (b"\xff\xfe{}", "found bytes that are not UTF-8 at position 0"),
        (b"\xef\xbb\xbf{}", "found no JSON"),
        (b"null", "found null, expected an object"),
        (b"[]", "found a list of 0, expected an object"),
        (b'["{}", "{}"]', "found a list of 2, expected an object"),
        (b'["[]"]', "found a list of 0, expected an object"),
        (b'["text"]', "found no JSON"),
        (b'"text"', "found a text of 4 characters, expected an object"),
        (b"[" * 200_000, "found more levels than can be read"),
        (b'{"a":' * 40_000, "found more levels than can be read"),
        (b'{"version": 1}trailing', "found no JSON"),
    ],
)
def test_what_is_no_object_is_refused_without_an_id(payload: bytes, message: str) -> None:
    refused = error(payload)
    assert str(refused).startswith(f"payload: {message}")
    assert refused.job_id is None


def test_a_payload_beyond_the_limit_is_not_looked_at() -> None:
    largest = encoded(FIELDS).ljust(MAX_PAYLOAD)
    assert read_envelope(largest).job_id == job_id(1)
    assert (
        str(error(largest + b" "))
        == f"payload: found {MAX_PAYLOAD + 1} bytes, expected at most {MAX_PAYLOAD}"
    )


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('"seed": NaN', "found the number NaN, expected a finite one"),
        ('"seed": -Infinity', "found the number -Infinity, expected a finite one"),
        ('"seed": 1e999', "found the number 1e999, expected one below 1.8e308"),
        ('"seed": ' + "9" * 5000, "found a number of 5000 digits, expected at most 19"),
        ('"seed": 1, "seed": 2', "'seed': found 2 times in one object, expected once"),
        ('"prompt": "\\ud800"', "found half of a surrogate pair in a text, expected whole characters"),
        ('"\\udfff": 1', "found half of a surrogate pair in a text, expected whole characters"),
        ('"metadata": ' + "[" * 40 + "]" * 40, "found more than 32 levels inside each other, expected fewer"),
    ],
)
def test_json_that_others_would_read_otherwise_is_refused_with_the_jobs_id(field: str, message: str) -> None:
    refused = error(f'{{"version": 1, "job_id": "{job_id(1)}", {field}}}'.encode())
    assert str(refused) == f"payload: {message}"
    assert refused.job_id == job_id(1)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    payload = encoded(FIELDS).replace(b"a lighthouse", b"\\ud83c\\udf05")
    assert read_envelope(payload).prompt == "\U0001f305 above the sea"


def test_an_id_that_stands_twice_is_no_id() -> None:
    twice = f'{{"version": 1, "job_id": "{job_id(1)}", "job_id": "{job_id(2)}"}}'
    assert error(twice.encode()).job_id is None


def test_ids_that_contradict_each_other_are_no_id() -> None:
    assert error(encoded({"version": 2, "job_id": job_id(1), "id": job_id(2)})).job_id is None


def test_an_object_of_no_shape_is_told_which_there_are() -> None:
    refused = error(encoded({"job_id": job_id(1), "prompt": "x"}))
    assert str(refused).startswith("version: missing, expected 1; ")
    assert refused.job_id == job_id(1)


@pytest.mark.parametrize("number", ["9007199254740991", 9007199254740991, "7", 0])
def test_a_seed_is_a_number_or_its_digits(number: object) -> None:
    assert read_envelope(encoded(FIELDS | {"seed": number})).seed == int(str(number))


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_an_id_is_the_same_in_upper_and_lower_case(spelling: Any) -> None:
    assert read_envelope(encoded(FIELDS | {"job_id": spelling(job_id(1))})).job_id == job_id(1)


def read_or_refused(payload: bytes) -> Envelope | EnvelopeInvalid:
    try:
        return read_envelope(payload)
    except EnvelopeInvalid as refused:
        return refused


@given(malformed_payloads())
def test_whatever_comes_only_an_envelope_or_its_error_comes_out(payload: bytes) -> None:
    read = read_or_refused(payload)
    if isinstance(read, EnvelopeInvalid):
        assert str(read).encode(), "expected a message that can be written anywhere"
        assert len(str(read)) < 5000
    else:
        assert read_envelope(read.to_payload()) == read


@given(st.sampled_from([FIELDS, deployed.JULY_2025, deployed.LATEST]), st.data())
def test_a_broken_field_never_hides_the_jobs_id(fields: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(fields) - {"job_id", "jobId", "id"})))
    value = data.draw(st.sampled_from([[], {}, -1, "", "\0", 1e300, [[{}]], "x" * 70_000]))
    read = read_or_refused(encoded(fields | {name: value}))
    assert read.job_id == fields.get("job_id", fields.get("jobId"))
