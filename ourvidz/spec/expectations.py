"""What the fields of a model take, in words, from its JSON Schema, and what is wrong with a value of one."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from ourvidz.spec.identifiers import IDENTIFIER_PATTERN, IDENTIFIER_RULE
from ourvidz.spec.problems import FieldPath
from ourvidz.spec.wording import one_of


def expectation(model: type[BaseModel], path: FieldPath) -> str:
    """What a field of ``model`` takes, in words; empty where ``path`` leads nowhere."""
    return _describe(_node(model, path))


def known_keys(model: type[BaseModel], path: FieldPath) -> list[str]:
    """The keys of the mapping at ``path`` of ``model``; none where people choose them."""
    return list(_node(model, path).get("properties", {}))


def refusal(model: type[BaseModel], path: FieldPath, error: Any) -> tuple[str, str]:
    """What one of pydantic's errors about the value at ``path`` of ``model`` says, without the value.

    Returns a remark that goes behind the value, such as `` (the unit is missing)``, and what is
    expected instead; either may be empty. A validator's own error says ``remark, expected …``.
    """
    wanted = expectation(model, path)
    if error["type"] != "value_error":
        return "", _sharpened(wanted or error["msg"], error)
    remark, stated, own = error["msg"].removeprefix("Value error, ").rpartition("expected ")
    if not stated:
        return f" ({own})", wanted
    return f" ({remark.rstrip(', ')})" if remark else "", own


def _sharpened(expected: str, error: Any) -> str:
    """Add the bound to quantities, whose description is an example and not a range."""
    bound = error.get("ctx", {}).get("gt")
    is_range = error["type"] == "greater_than" and f"above {bound:g}" not in expected
    return f"{expected}, above {bound:g}" if is_range else expected


def _node(model: type[BaseModel], path: FieldPath) -> dict[str, Any]:
    schema = _schema(model)
    node = _resolve(schema, schema)
    for part in path:
        node = _resolve(schema, _inner(node, part))
    return node


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _inner(node: dict[str, Any], part: str | int) -> dict[str, Any]:
    if isinstance(part, int):
        lists = [one for one in (node, *node.get("anyOf", ())) if "items" in one]
        inner = lists[0]["items"] if lists else {}
    else:
        by_pattern = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        inner = node.get("properties", {}).get(part) or by_pattern[0]
    return inner if isinstance(inner, dict) else {}


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and take the one alternative beside null."""
    if "$ref" in node:
        return _resolve(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    alternatives = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    return _resolve(schema, alternatives[0]) if len(alternatives) == 1 else node


def _describe(node: dict[str, Any]) -> str:
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return one_of([str(value) for value in node["enum"]])
    kind = node.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _range(node)
    if kind == "string":
        return _describe_text(node)
    if any(one.get("type") == "array" for one in node.get("anyOf", ())):
        one = _describe(node["anyOf"][0])
        return f"{one}, or a list of such" if one else "a value, or a list of values"
    return {"boolean": "true or false", "object": "a mapping", "array": "a list"}.get(str(kind), "")


def _range(node: dict[str, Any]) -> str:
    low, high, above = map(_written, map(node.get, ("minimum", "maximum", "exclusiveMinimum")))
    if low and high:
        return f" from {low} to {high}"
    if above:
        return f" above {above}" + (f" and up to {high}" if high else "")
    return f" of at least {low}" if low else f" of at most {high}" if high else ""


def _written(bound: float | None) -> str:
    """A bound with all its digits; empty if there is none."""
    return "" if bound is None else f"{bound:.17g}"


def _describe_text(node: dict[str, Any]) -> str:
    if "examples" in node:
        return "a text such as " + ", ".join(node["examples"])
    if node.get("pattern") == IDENTIFIER_PATTERN:
        return IDENTIFIER_RULE
    if "maxLength" in node:
        return f"a text of {node.get('minLength', 0)} to {node['maxLength']} characters"
    return "a text" if node.get("minLength", 0) == 0 else "a text that is not empty"
