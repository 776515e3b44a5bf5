"""Tables of the two shapes that deployed edge functions push, and of the two that they are told in."""

from __future__ import annotations

from ourvidz.jobs import deployed_callbacks
from ourvidz.jobs.deployed import SHAPES, FieldRule, Shape
from ourvidz.jobs.deployed_callbacks import CallbackShape, event_fields

from .tables import code, table


def parts() -> dict[str, str]:
    pushed = {f"shape {shape.name}": _table(shape) for shape in SHAPES}
    told = deployed_callbacks.SHAPES.values()
    return pushed | {f"callback {shape.name}": _callback_table(shape) for shape in told}


def _table(shape: Shape) -> str:
    rows = [(code(rule.field), _becomes(rule), rule.reason) for rule in shape.rules]
    return table(("field", "becomes", "note"), rows)


def _callback_table(shape: CallbackShape) -> str:
    rows = []
    for field in event_fields():
        place = shape.place(field)
        into = " or ".join(map(code, place.into.split(" or "))) if place.into else "lost"
        rows.append((code(field), into, place.note))
    return table(("field of the event", "said in", "note"), rows)


def _becomes(rule: FieldRule) -> str:
    if rule.use == "used":
        return code(rule.into)
    if rule.use == "error":
        return "an error"
    return f"recorded; must repeat {code(rule.agrees_with)}" if rule.agrees_with else "recorded"
