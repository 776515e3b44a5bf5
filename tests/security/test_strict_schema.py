"""What is pushed is an envelope to the letter, or nothing runs; and it is an answer in words to its sender.

tests/jobs/test_wire.py has the message of every field, tests/jobs/test_schemas.py the published schema.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ourvidz.jobs.envelope import Envelope, EnvelopeInvalid, envelope_schema
from ourvidz.jobs.wire import read_envelope
from tests.conformance.jobs import envelope, job_id
from tests.jobs.deployed_payloads import JULY_2025, LATEST
from tests.runtime.brittle_site import BrittleSite
from tests.site import Site

FIELDS: dict[str, Any] = json.loads(envelope(1).to_payload())

#: One of every kind that JSON has, and what languages take for another kind.
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    2**63,
    "",
    "1",
    "true",
    "null",
    [],
    [1],
    {},
    {"a": 1},
    [{}],
]

SCHEMA = Draft202012Validator(envelope_schema())


def is_read(fields: object) -> bool:
    try:
        read_envelope(json.dumps(fields).encode())
    except EnvelopeInvalid:
        return False
    return True


@pytest.mark.parametrize("field", Envelope.model_fields)
def test_strict_schema(field: str) -> None:
    """No value is taken for another one: what the published schema refuses is refused."""
    assert is_read(FIELDS)
    for value in VALUES:
        fields = FIELDS | {field: value}
        assert is_read(fields) is SCHEMA.is_valid(fields), f"{field}: {value!r}"


@pytest.mark.parametrize(
    "name", ["bucket", "path", "model", "__proto__", "constructor", "Prompt", "prompt ", ""]
)
def test_a_field_that_is_not_known_is_refused(name: str) -> None:
    assert not is_read(FIELDS | {name: "x"})


@pytest.mark.parametrize("shape", [JULY_2025, LATEST], ids=["july 2025", "latest"])
@pytest.mark.parametrize("name", ["__proto__", "loras", "checkpoint", "prompt "])
def test_nor_is_it_in_what_deployed_functions_push(shape: dict[str, Any], name: str) -> None:
    assert is_read(shape)
    assert not is_read(shape | {name: "x"})


def test_what_is_refused_never_reaches_a_model(site: Site) -> None:
    brittle = BrittleSite(site)
    wrong: list[dict[str, Any]] = [
        {"priority": "9"},
        {"num_images": True},
        {"model": "other"},
        {"params": []},
    ]
    with brittle.queue() as queue:
        for number, changes in enumerate(wrong):
            fields = FIELDS | {"job_id": job_id(number), "job_type": "brittle_fast"} | changes
            queue.push("brittle_queue", json.dumps(fields).encode())
        brittle.work()
        assert queue.jobs() == []
        letters = {letter.job_id: letter.failure.message for letter in queue.dead_letters.list()}
    for number, changes in enumerate(wrong):
        assert letters[job_id(number)].startswith(f"{next(iter(changes))}: ")
    assert not (site.root / "data/storage").exists()
