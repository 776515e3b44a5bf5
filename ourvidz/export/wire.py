"""Everything that crosses the wire as JSON Schemas by name, as few and as small as a validator needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

#: What a validator has no use for.
_SAID_TO_PEOPLE = ("title", "description", "default", "examples")


def wire_schemas(ref_template: str = "{model}") -> dict[str, Schema]:
    """What models say of themselves, by name, each with the definitions that it refers to beside it.

    ``ref_template``: how one refers to another.
    """
    # Here, since every command loads this package and few need the wire's models.
    from ourvidz.jobs.envelope import Envelope
    from ourvidz.jobs.events import JobEvent
    from ourvidz.jobs.requests import ASKED_AND_ANSWERED
    from ourvidz.jobs.signing import DownloadRequest, SignedUrl, UploadRequest

    models: tuple[type[BaseModel], ...] = (
        *ASKED_AND_ANSWERED,
        Envelope,
        JobEvent,
        UploadRequest,
        DownloadRequest,
        SignedUrl,
    )
    found: dict[str, Schema] = {}
    for model in models:
        schema = model.model_json_schema(ref_template=ref_template)
        definitions = schema.pop("$defs", {})
        found |= {model.__name__: schema, **definitions}
    # JSON itself needs no rule.
    found.pop("JsonValue")
    return found


def validator_schema(schema: Mapping[str, Any]) -> Schema:
    """A schema without what is said to people, and without the names of what has no rule."""
    return dict(_without_words(schema))


def _without_words(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key in _SAID_TO_PEOPLE or (key == "$ref" and value == "JsonValue"):
            continue
        if key in ("properties", "patternProperties"):
            yield key, {name: validator_schema(one) for name, one in value.items()}
        elif isinstance(value, dict):
            yield key, validator_schema(value)
        elif key in ("anyOf", "allOf"):
            yield key, [validator_schema(one) for one in value]
        else:
            yield key, value
