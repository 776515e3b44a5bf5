"""What one job type takes of a request, as JSON Schema: what a worker would refuse is refused at once.

What these schemas leave open is a matter of the model family alone, such as which sizes it can make; a
worker refuses that.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from ourvidz.jobs.storage import KEY_SCHEMA
from ourvidz.spec.job_type import GENERATION_FIELDS, JobType, Override
from ourvidz.spec.units import Resolution

Schema = dict[str, Any]

T = TypeVar("T")


def request_schema(job_type: JobType, *, input_urls: bool) -> Schema:
    """What holds for one job type beside the schema of :class:`ourvidz.jobs.requests.JobRequest`.

    ``input_urls``: whether inputs may be named by URL.
    """
    place: Schema = {} if input_urls else {**KEY_SCHEMA}
    required = [
        "job_type",
        *([] if 1 in job_type.batch_sizes else ["num_images"]),
        *(["inputs"] if job_type.required_inputs else []),
    ]
    schema = {
        "type": "object",
        "properties": {
            "job_type": {"const": job_type.id},
            "num_images": {"enum": [*job_type.batch_sizes]},
            "params": _closed({name: _parameter(job_type, name) for name in _choosable(job_type)}),
            "inputs": _closed(dict.fromkeys(job_type.inputs, place), [*job_type.required_inputs]),
        },
        "required": required,
    }
    rules = _strength_and_init_image(job_type)
    return schema | ({"allOf": rules} if rules else {})


def parameter_defaults(job_type: JobType) -> dict[str, bool | int | float | str]:
    """The generation parameters that a spec sets, as a request would write them."""
    values = {name: getattr(job_type, name) for name in GENERATION_FIELDS}
    written = {name: str(one) if isinstance(one, Resolution) else one for name, one in values.items()}
    return {name: plain(one) for name, one in written.items() if isinstance(one, bool | int | float | str)}


def parameter_schema(name: str, bounds: Override) -> Schema:
    """What a request may choose for a parameter within these bounds."""
    kind = _kinds().get(name)
    if bounds.choices:
        return {**(kind or {}), "enum": [plain(one) for one in bounds.choices]}
    if bounds.min is None and bounds.max is None:
        return kind or {"type": ["boolean", "number", "string"]}
    schema = {**(kind or {"type": "number"})}
    if bounds.min is not None:
        schema["minimum"] = plain(max(bounds.min, schema.get("minimum", bounds.min)))
    if bounds.max is not None:
        schema["maximum"] = plain(min(bounds.max, schema.get("maximum", bounds.max)))
    return schema


def plain(value: T) -> T | int:
    """A number as JavaScript writes it: 6 and not 6.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _choosable(job_type: JobType) -> list[str]:
    """What a request may choose, and what it may repeat because the spec says it anyway."""
    return sorted({*parameter_defaults(job_type), *job_type.params})


def _parameter(job_type: JobType, name: str) -> Schema:
    bounds = job_type.params.get(name)
    return parameter_schema(name, bounds) if bounds else {"const": parameter_defaults(job_type)[name]}


def _strength_and_init_image(job_type: JobType) -> list[Schema]:
    """A strength without an init image means nothing, and an init image without one too little."""
    if "init_image" not in job_type.inputs:
        return []
    rules = []
    if "init_image" not in job_type.required_inputs:
        rules.append({"if": _has("params", "strength"), "then": _has("inputs", "init_image")})
    if job_type.strength is None:
        rules.append({"if": _has("inputs", "init_image"), "then": _has("params", "strength")})
    return rules


def _has(field: str, name: str) -> Schema:
    return {"required": [field], "properties": {field: {"required": [name]}}}


def _closed(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


@cache
def _kinds() -> dict[str, Schema]:
    """What a parameter is, whatever a spec allows: as the spec's own field, but in plain numbers."""
    fields = JobType.model_json_schema()["properties"]
    said = {name: fields[name] for name in GENERATION_FIELDS if name != "loras"}
    plain = {name: field.get("anyOf", [field])[0] for name, field in said.items()}
    kept = ("type", "pattern", "maxLength", "minimum", "maximum", "exclusiveMinimum")
    kinds = {name: {key: field[key] for key in kept if key in field} for name, field in plain.items()}
    return kinds | {"duration": {"type": "number", "exclusiveMinimum": 0}}
