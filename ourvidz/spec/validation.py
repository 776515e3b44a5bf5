"""From a document to a frozen model, or to problems with positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ourvidz.spec.document import Document
from ourvidz.spec.expectations import expectation, known_keys, refusal
from ourvidz.spec.problems import FieldPath, Problem
from ourvidz.spec.units import WRITTEN
from ourvidz.spec.wording import one_of_known, shorten, show

M = TypeVar("M", bound=BaseModel)

#: pydantic's error types by our own, stable codes.
CODES = {
    "extra_forbidden": "unknown_key",
    "missing": "missing_key",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "unknown_choice",
    "string_too_long": "out_of_range",
    "string_too_short": "out_of_range",
}

#: The code of every other error type.
OTHER_CODE = "bad_value"


def validate(
    model: type[M], document: Document, path: FieldPath = (), extra: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Problem]]:
    """Make a model of what stands at ``path`` of a document, with ``extra`` fields from elsewhere.

    Returns the model, or None and the problems; those that the document has already are not repeated.
    """
    content: Any = document.content
    for part in path:
        content = content[part]
    problems: list[Problem] = []
    if document.empty:
        content = dict(content)
        problems += _settle_empty(model, document, path, content)
    made: M | None = None
    try:
        made = model.model_validate({**content, **(extra or {})}, context=WRITTEN)
    except ValidationError as error:
        problems += _describe_all(model, document, path, error)
    is_sound = not problems and not any(fault[: len(path)] == path for fault in document.faults)
    return (made if is_sound else None), problems


def _settle_empty(
    model: type[BaseModel], document: Document, path: FieldPath, content: dict[str, Any]
) -> Iterator[Problem]:
    """An empty section is an absent one; any other key with nothing after it was forgotten."""
    for empty in sorted(document.empty, key=document.value_position):
        if empty[: len(path)] != path:
            continue
        name = str(empty[len(path)])
        field = model.model_fields.get(name)
        is_section = field is not None and (field.default == () or field.default_factory is not None)
        if is_section and len(empty) == len(path) + 1:
            content.pop(name, None)
        elif field is not None:
            expected = expectation(model, empty[len(path) :]) or "a value"
            yield document.problem(
                empty,
                "empty_value",
                "nothing",
                f"{expected}, or no such line",
                position=document.key_position(empty),
            )


def _describe_all(
    model: type[BaseModel], document: Document, path: FieldPath, error: ValidationError
) -> Iterator[Problem]:
    seen = set(document.faults)
    for one in error.errors(include_url=False):
        location: FieldPath = tuple(one["loc"])
        inner = _known_part(document, path, location) if one["type"] != "missing" else location
        full = path + inner
        is_settled = full in document.empty and one["type"] != "extra_forbidden"
        if not is_settled and not any(full[:length] in seen for length in range(1, len(full) + 1)):
            seen.add(full)
            yield _describe(model, document, path, inner, one)


def _known_part(document: Document, path: FieldPath, location: FieldPath) -> FieldPath:
    """Drop what pydantic adds to a location: names of alternatives, a list made of a single value."""
    while location and path + location not in document.positions:
        location = location[:-1]
    return location


def _describe(
    model: type[BaseModel], document: Document, path: FieldPath, inner: FieldPath, error: Any
) -> Problem:
    kind, full = error["type"], path + inner
    code = CODES.get(kind, OTHER_CODE)
    if kind == "extra_forbidden":
        expected = one_of_known("a known one", str(inner[-1]), known_keys(model, inner[:-1]))
        return document.problem(full, code, "an unknown key", expected, position=document.key_position(full))
    if kind == "missing":
        expected = expectation(model, inner)
        return document.problem(full, code, "no such key", expected, position=document.key_position(full))
    remark, wanted = refusal(model, inner, error)
    is_key = error["loc"][-1:] == ("[key]",)
    found = shorten(str(inner[-1])) if is_key else show(error["input"])
    position = document.key_position(full) if is_key else None
    return document.problem(
        full, "bad_name" if is_key else code, f"{found}{remark}", wanted, position=position
    )
