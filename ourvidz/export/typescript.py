"""Pieces of a TypeScript module. Whatever a value says stays inside its literal.

Names, types and comments are the generator's own words and are written as they come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping


def literal(value: object) -> str:
    """Write a JSON value as a literal that is JSON, JavaScript and TypeScript at once, in one line.

    The result is ASCII, so that no line separator, direction mark or lone surrogate reaches the
    file as itself, and has no ``<``, so that it cannot end a script element. Raises ValueError for
    numbers that JSON does not have.
    """
    text = json.dumps(value, allow_nan=False)
    return text.replace("<", "\\u003c")  # a JSON text has < only within strings


def constant(name: str, value: object, *, satisfies: str) -> str:
    """Export a value whose type is as narrow as the value itself."""
    return f"export const {name} = {_expression(value)} as const satisfies {satisfies};\n"


def union(name: str, members: Iterable[str]) -> str:
    """Export the type of the given texts; of none of them, ``never``."""
    lines = "".join(f"\n  | {literal(member)}" for member in members)
    return f"export type {name} ={lines or ' never'};\n"


def typed(name: str, value: object, kind: str) -> str:
    """Export a value of a type that a reader knows, however large the value."""
    # As a constant, since a member named constructor would else be typed by what every object has.
    return f"export const {name}: {kind} = {_expression(value)} as const;\n"


def hidden(name: str, value: object, kind: str) -> str:
    """A value that the module alone uses."""
    return f"const {name}: {kind} = {_expression(value)};\n"


def interface(name: str, fields: Mapping[str, tuple[str, str]]) -> str:
    """Export an object type, of types and comments. A field's name ends in ``?`` where it may be absent."""
    lines = "".join(
        f"  /** {comment} */\n  readonly {field}: {kind};\n" for field, (kind, comment) in fields.items()
    )
    return f"export interface {name} {{\n{lines}}}\n"


def documented(comment: str, declaration: str) -> str:
    """Put a comment over a declaration, where editors show it."""
    return f"/** {comment} */\n{declaration}"


def module(header: Iterable[str], declarations: Iterable[str]) -> str:
    """Put a module together: the lines of a header, then declarations."""
    return "\n".join(("".join(f"// {line}\n" for line in header), *declarations))


def _expression(value: object) -> str:
    """A literal with each member of a table or list on a line of its own."""
    if isinstance(value, Mapping) and value:
        return "{\n" + "".join(f"  {literal(key)}: {literal(one)},\n" for key, one in value.items()) + "}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"  {literal(one)},\n" for one in value) + "]"
    return literal(value)
