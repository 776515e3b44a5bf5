"""The two shapes that deployed edge functions push, field by field.

The tables are data: :func:`translate` follows them and the documentation prints them. A field that
is in no table is an error. One that is null was not sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from ourvidz.jobs.inputs import is_url
from ourvidz.jobs.storage import ObjectKey
from ourvidz.spec.identifiers import nearest

#: The one key of an envelope's metadata under which everything recorded is found.
RECORDED = "deployed"

#: Problems told of one payload; the rest would be noise.
MAX_PROBLEMS = 5

#: Fields that hold further fields; in the tables these stand as ``config.seed``.
CONTAINERS = ("config", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What becomes of one field: used, recorded in the metadata and otherwise dropped, or an error."""

    field: str
    """``metadata.*`` stands for every entry that has no line of its own."""
    use: Literal["used", "recorded", "error"]
    into: str = ""
    """The envelope's field that it fills, if it is used."""
    agrees_with: str = ""
    """The field that it must repeat, if it is sent at all."""
    means_something_with: str = ""
    """The field without which it is recorded instead of used."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One generation of edge functions, told by a field that only it sends."""

    name: str
    told_by: str
    rules: tuple[FieldRule, ...]

    def rule(self, outer: str, inner: str | None = None) -> FieldRule | None:
        """The line for a field, or for one inside of it; None if the table has none."""
        if inner is None:
            return self._by_field.get(outer) if "." not in outer else None
        return self._by_field.get(f"{outer}.{inner}") or self._by_field.get(f"{outer}.*")

    @cached_property
    def _by_field(self) -> Mapping[str, FieldRule]:
        return {rule.field: rule for rule in self.rules}


def _used(field: str, into: str, reason: str) -> FieldRule:
    return FieldRule(field=field, use="used", into=into, reason=reason)


def _recorded(field: str, reason: str, agrees_with: str = "") -> FieldRule:
    return FieldRule(field=field, use="recorded", agrees_with=agrees_with, reason=reason)


_SPEC_DECIDES = "the job type's spec decides it; a client's word is never used"
_OWN_NAME = FieldRule(field=f"metadata.{RECORDED}", use="error", reason="ourvidz writes this name itself")

JULY_2025 = Shape(
    name="july-2025",
    told_by="jobId",
    rules=(
        _used("jobId", "job_id", "names the job"),
        _used("userId", "user_id", "owns the results"),
        _used("jobType", "job_type", "chooses the spec"),
        _used("prompt", "prompt", "what to make"),
        _used("timestamp", "submitted_at", "ISO 8601 or milliseconds since the epoch"),
        _used("metadata.num_images", "num_images", "how many images to make"),
        _used(
            "metadata.reference_image_url",
            "inputs.reference_image",
            "a storage key, or an https URL where they are allowed",
        ),
        _OWN_NAME,
        _used("metadata.*", "metadata", "carried to the callback untouched"),
        _recorded("modelType", "repeats the job type", agrees_with="jobType"),
        _recorded("modelVariant", _SPEC_DECIDES),
        _recorded("isSDXL", _SPEC_DECIDES),
        _recorded("format", _SPEC_DECIDES),
        _recorded("quality", _SPEC_DECIDES),
        _recorded("bucket", _SPEC_DECIDES),
        _recorded("videoId", "the platform's row; the job's id finds it"),
        _recorded("imageId", "the platform's row; the job's id finds it"),
        FieldRule(field="characterId", use="error", reason="no job type can draw a saved character"),
    ),
)

LATEST = Shape(
    name="latest",
    told_by="id",
    rules=(
        _used("id", "job_id", "names the job"),
        _used("user_id", "user_id", "owns the results"),
        _used("type", "job_type", "chooses the spec"),
        _used("prompt", "prompt", "what to make"),
        _used("negative_prompt", "negative_prompt", "what to keep out; an empty text was not sent"),
        _used("timestamp", "submitted_at", "ISO 8601 or milliseconds since the epoch"),
        _used("config.num_images", "num_images", "how many images to make"),
        _used("config.seed", "seed", "seed of the first image"),
        _used("config.num_inference_steps", "params.steps", "if the job type lets a request choose it"),
        _used("config.guidance_scale", "params.guidance", "if the job type lets a request choose it"),
        FieldRule(
            field="config.denoise_strength",
            use="used",
            into="params.strength",
            means_something_with="config.image",
            reason="if the job type lets a request choose it; without config.image it is recorded",
        ),
        _used("config.resolution", "params.resolution", "if the job type lets a request choose it"),
        _used("config.scheduler", "params.scheduler", "if the job type lets a request choose it"),
        _used("config.image", "inputs.init_image", "a storage key, or an https URL where they are allowed"),
        _used(
            "config.first_frame",
            "inputs.first_frame",
            "a storage key, or an https URL where they are allowed",
        ),
        _used(
            "config.last_frame", "inputs.last_frame", "a storage key, or an https URL where they are allowed"
        ),
        _used(
            "metadata.reference_image_url",
            "inputs.reference_image",
            "a storage key, or an https URL where they are allowed",
        ),
        _OWN_NAME,
        _used("metadata.*", "metadata", "carried to the callback untouched"),
        _recorded("job_id", "repeats the id", agrees_with="id"),
        _recorded("job_type", "repeats the type", agrees_with="type"),
        _recorded("quality", _SPEC_DECIDES),
        _recorded("format", _SPEC_DECIDES),
        _recorded("content_type", _SPEC_DECIDES),
        _recorded("bucket", _SPEC_DECIDES),
    ),
)

SHAPES = (JULY_2025, LATEST)


@dataclass(frozen=True, slots=True)
class Translation:
    """An envelope's fields in the making, where each came from, and what was wrong."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, into: str, value: object, name: str) -> None:
        """Fill a field, or with ``params.steps`` an entry of one, from the field called ``name``."""
        self.origins[into] = name
        table, _, key = into.partition(".")
        if key:
            self.entries(table)[key] = value
        else:
            self.values[table] = value

    def entries(self, table: str) -> dict[str, object]:
        """The params, inputs or metadata in the making."""
        made = self.values.setdefault(table, {})
        assert isinstance(made, dict)
        return made


def shape_of(fields: Mapping[str, object]) -> Shape | None:
    """The generation that pushed these fields, or None if neither did."""
    return next((shape for shape in SHAPES if shape.told_by in fields), None)


def translate(shape: Shape, fields: Mapping[str, object], received_at: datetime) -> Translation:
    """Follow the shape's table. Values keep their types; the envelope checks them."""
    made = Translation()
    recorded: dict[str, object] = {"shape": shape.name}
    for outer, inner, value in _flat(fields, made.problems):
        name = outer if inner is None else f"{outer}.{inner}"
        rule = shape.rule(outer, inner)
        if len(made.problems) >= MAX_PROBLEMS:
            break
        if rule is None:
            made.problems.append(_unknown(shape, name))
        elif inner is not None and rule.into == "metadata":
            made.entries("metadata")[inner] = value
        elif value is None:
            continue
        elif rule.use == "error":
            made.problems.append(f"{name}: {rule.reason}; leave it out")
        elif rule.means_something_with and not _is_given(fields, rule.means_something_with):
            recorded[name] = value
        elif rule.use == "recorded":
            recorded[name] = value
            if rule.agrees_with and value != fields.get(rule.agrees_with):
                made.problems.append(
                    f"{name}: found another value than in {rule.agrees_with}, expected the same"
                )
        else:
            _use(made, rule, name, value)
    made.entries("metadata")[RECORDED] = recorded
    made.values.setdefault("submitted_at", received_at)
    return made


def _flat(fields: Mapping[str, object], problems: list[str]) -> Iterator[tuple[str, str | None, object]]:
    """Every field as its name, the name of an entry if it is a container, and the value."""
    for name, value in fields.items():
        if name not in CONTAINERS:
            yield name, None, value
        elif isinstance(value, dict):
            yield from ((name, inner, entry) for inner, entry in value.items())
        elif value is not None:
            problems.append(f"{name}: found no object, expected one")


def _is_given(fields: Mapping[str, object], name: str) -> bool:
    outer, _, inner = name.partition(".")
    container = fields.get(outer)
    return isinstance(container, dict) and container.get(inner) is not None


def _unknown(shape: Shape, name: str) -> str:
    known = [rule.field for rule in shape.rules if not rule.field.endswith("*")]
    meant = nearest(name[:80], known)
    hint = f"did you mean {meant}?" if meant else f"it has {', '.join(known)}"
    return f"{name[:80]!a}: the {shape.name} shape has no such field; {hint}"


def _use(made: Translation, rule: FieldRule, name: str, value: object) -> None:
    if rule.into == "negative_prompt" and value == "":
        return
    if rule.into == "submitted_at":
        value = _time(value)
    elif rule.into.startswith("inputs.") and not _is_place(value):
        made.problems.append(
            f"{name}: found {'a URL' if _is_url(value) else 'no storage key'}, "
            "expected a storage key such as uploads/photo.png, or an https URL"
        )
        return
    made.put(rule.into, value, name)


def _time(value: object) -> object:
    """Turn milliseconds since the epoch, or ISO 8601 however it is written, into a time.

    Every other value is the envelope's to judge.
    """
    try:
        if isinstance(value, str) and value[4:5] == "-":
            return datetime.fromisoformat(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return value


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.partition(":")[0] in ("http", "https", "data", "blob")


def _is_place(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if is_url(value):
        return True
    try:
        ObjectKey.parse(value)
    except ValueError:
        return False
    return True
