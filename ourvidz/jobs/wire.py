"""From bytes on a queue to an envelope: version 1, and the shapes that deployed edge functions push."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import ValidationError

from ourvidz.jobs.deployed import MAX_PROBLEMS, SHAPES, shape_of, translate
from ourvidz.jobs.envelope import (
    ENVELOPE_VERSION,
    MAX_PAYLOAD,
    MAX_SEED,
    PRIVATE,
    Envelope,
    EnvelopeInvalid,
    parse_uuid,
)
from ourvidz.jobs.strict_json import Document, NotJson, parse_json
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import Input

#: Where a job's id stands in a payload of any shape.
_ID_FIELDS = ("job_id", "jobId", "id")

#: What each field of an envelope must be, in words.
EXPECTED: Mapping[str, str] = {
    "version": str(ENVELOPE_VERSION),
    "job_id": "a UUID",
    "job_type": "the name of a job type, of a-z, 0-9 and _",
    "user_id": "a UUID",
    "prompt": "a text of 1 to 10000 characters",
    "negative_prompt": "a text of at most 10000 characters",
    "seed": f"a whole number from 0 to {MAX_SEED}",
    "num_images": "a whole number from 1 to 16",
    "params": "an object of parameters",
    "inputs": "an object of storage keys",
    "spec_digest": "sha256: and 64 hexadecimal digits",
    "priority": "a whole number from -100 to 100",
    "submitted_at": "a time from 2000 to 2999 with its zone, such as 2025-07-01T12:00:00Z",
    "metadata": "an object",
}

#: What one entry of an object must be; its name, where the name itself is wrong.
EXPECTED_ENTRY: Mapping[str, str] = {
    "params": "a number, a text or a boolean",
    "inputs": "a storage key such as uploads/photo.png, or an https URL",
}
EXPECTED_NAME: Mapping[str, str] = {
    "params": "a parameter's name, of a-z, 0-9 and _",
    "inputs": " or ".join(get_args(Input)),
}


def read_envelope(payload: bytes, *, received_at: datetime | None = None) -> Envelope:
    """Read what a producer pushed.

    ``received_at`` stands in for the time of submission where a deployed shape sends none; default:
    now. Raises EnvelopeInvalid, and nothing else, naming every field that is wrong.
    """
    if len(payload) > MAX_PAYLOAD:
        raise too_large(len(payload))
    fields = _read_object(payload)
    if "version" in fields:
        return _validate(fields, {}, fields)
    shape = shape_of(fields)
    if shape is None:
        told_by = " or ".join(f"{shape.told_by} ({shape.name})" for shape in SHAPES)
        raise EnvelopeInvalid(
            f"version: missing, expected {ENVELOPE_VERSION}; what deployed functions push has {told_by}",
            _job_id(fields),
        )
    made = translate(shape, fields, received_at or datetime.now(UTC))
    if made.problems:
        raise EnvelopeInvalid("; ".join(made.problems), _job_id(fields))
    return _validate(made.values, made.origins, fields)


def too_large(size: int) -> EnvelopeInvalid:
    """Why a payload of so many bytes is refused unread."""
    return EnvelopeInvalid(f"payload: found {size} bytes, expected at most {MAX_PAYLOAD}")


def make_envelope(values: Mapping[str, object]) -> Envelope:
    """Build an envelope from its fields. Raises EnvelopeInvalid, naming every field that is wrong."""
    return _validate(values, {}, values)


def _read_object(payload: bytes) -> dict[str, object]:
    """Parse a payload, also one that deployed functions wrapped: a list of one text that is JSON."""
    try:
        document = parse_json(payload)
        match document:
            case Document([str(inner)], None):
                document = parse_json(inner.encode())
    except NotJson as error:
        raise EnvelopeInvalid(f"payload: {error}") from None
    fields = document.value if isinstance(document.value, dict) else None
    if document.problem is not None:
        raise EnvelopeInvalid(f"payload: {document.problem}", _job_id(fields or {}))
    if fields is None:
        raise EnvelopeInvalid(f"payload: found {_kind(document.value)}, expected an object")
    return fields


def _job_id(fields: Mapping[str, object]) -> str | None:
    """Find the job's id in a payload that is otherwise wrong; None if there is none, or several."""
    try:
        found = {parse_uuid(fields[name]) for name in _ID_FIELDS if name in fields}
    except ValueError:
        return None
    return found.pop() if len(found) == 1 else None


def _validate(
    values: Mapping[str, object], origins: Mapping[str, str], fields: Mapping[str, object]
) -> Envelope:
    try:
        return Envelope.model_validate(values)
    except ValidationError as error:
        problems = {_describe(one, origins): None for one in error.errors(include_url=False)[:MAX_PROBLEMS]}
        raise EnvelopeInvalid("; ".join(problems), _job_id(fields)) from None


def _describe(error: Any, origins: Mapping[str, str]) -> str:
    """One of pydantic's errors in the words of the producer, whose name for a field may differ."""
    field, *inner = error["loc"]
    path = ".".join([field, *map(str, inner[:1])])
    name = ascii((origins.get(path) or origins.get(field) or path)[:80])[1:-1]
    if error["type"] == "extra_forbidden":
        meant = nearest(field[:80], Envelope.model_fields)
        hint = f"did you mean {meant}?" if meant else f"it has {', '.join(Envelope.model_fields)}"
        return f"{name}: version {ENVELOPE_VERSION} has no such field; {hint}"
    if error["type"] == "missing":
        return f"{name}: missing, expected {EXPECTED[field]}"
    if inner[1:] == ["[key]"]:
        return f"{name}: not a known name, expected {EXPECTED_NAME[field]}"
    if error["type"] == "string_unicode":
        return f"{name}: found bytes that are no text, expected UTF-8"
    found = _kind(error["input"]) if field in PRIVATE else _found(error["input"])
    return f"{name}: found {found}, expected {(EXPECTED_ENTRY if inner else EXPECTED)[field]}"


def _found(value: object) -> str:
    if isinstance(value, str) and "://" in value:
        # It may be signed.
        return "a URL"
    short = isinstance(value, int | float | str) and len(str(value)) <= 60
    return ascii(value) if short else _kind(value)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return f"a list of {len(value)}"
        case _:
            return "an object"
