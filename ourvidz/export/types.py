"""From JSON Schemas to TypeScript types that say the same, as far as types can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ourvidz.export import typescript
from ourvidz.jobs.states import JobState
from ourvidz.spec.job_type import ContentType, Input

Schema = Mapping[str, Any]

#: Lists of texts that have a name of their own.
UNIONS = {get_args(JobState): "JobState", get_args(ContentType): "ContentType", get_args(Input): "Input"}

_PLAIN = {"boolean": "boolean", "integer": "number", "null": "null", "number": "number", "string": "string"}


def interface_of(name: str, schema: Schema, kinds: Mapping[str, str]) -> str:
    """The interface of an object; ``kinds`` are types of fields that are narrower here than anywhere."""
    required = schema.get("required", ())
    fields = (
        (f"{field}{'' if field in required else '?'}", kinds.get(field) or type_of(one), one["description"])
        for field, one in schema["properties"].items()
    )
    return typescript.documented(
        schema["description"].split("\n\n")[0].replace("\n", " "),
        typescript.interface(name, {field: (kind, comment) for field, kind, comment in fields}),
    )


def type_of(schema: Schema) -> str:
    """The type of whatever a schema accepts."""
    if "$ref" in schema:
        return "Json" if schema["$ref"] == "JsonValue" else str(schema["$ref"])
    if "const" in schema:
        return typescript.literal(schema["const"])
    if "enum" in schema:
        members = tuple(schema["enum"])
        return UNIONS.get(members) or " | ".join(map(typescript.literal, members))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(type_of, schema["anyOf"])))
    match schema["type"]:
        case "array":
            return f"readonly ({type_of(schema['items'])})[]"
        case "object":
            return _mapping(schema)
    return _PLAIN[schema["type"]]


def _mapping(schema: Schema) -> str:
    values = next(iter(schema.get("patternProperties", {}).values()), schema["additionalProperties"])
    names = schema.get("propertyNames", {})
    if "enum" in names:
        return f"{{ readonly [name in {type_of(names)}]?: {type_of(values)} }}"
    return f"{{ readonly [name: string]: {type_of(values)} }}"
