"""Tables of the two shapes that deployed edge functions push."""

from __future__ import annotations

from ourvidz.jobs.deployed import SHAPES, FieldRule, Shape

from .tables import code, table


def parts() -> dict[str, str]:
    return {f"shape {shape.name}": _table(shape) for shape in SHAPES}


def _table(shape: Shape) -> str:
    rows = [(code(rule.field), _becomes(rule), rule.reason) for rule in shape.rules]
    return table(("field", "becomes", "note"), rows)


def _becomes(rule: FieldRule) -> str:
    if rule.use == "used":
        return code(rule.into)
    if rule.use == "error":
        return "an error"
    return f"recorded; must repeat {code(rule.agrees_with)}" if rule.agrees_with else "recorded"
