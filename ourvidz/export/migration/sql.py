"""Pieces of SQL for PostgreSQL. Whatever a value says stays inside its literal."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Texts that mean themselves between quotes, in a dollar-quoted body as well.
_PLAIN = re.compile(r"[A-Za-z0-9_ ./+*-]*")

_LINE_OF_VALUES = 96


def literal(value: str | int | bool | None) -> str:
    """Write a value as a literal. All but plain characters are escaped, so that none ends anything.

    Raises ValueError for a NUL, which PostgreSQL cannot hold, and for half of a surrogate pair.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
    if _PLAIN.fullmatch(value) and "--" not in value and "/*" not in value and "*/" not in value:
        return f"'{value}'"
    value.encode()  # refuses lone surrogates
    if "\0" in value:
        raise ValueError("PostgreSQL's texts cannot hold a NUL")
    return (
        "E'"
        + "".join(one if one.isascii() and one.isalnum() else f"\\U{ord(one):08X}" for one in value)
        + "'"
    )


def array(values: Iterable[str]) -> str:
    """An array of texts."""
    return f"array[{', '.join(literal(one) for one in values)}]::text[]"


def is_one_of(column: str, values: Iterable[str]) -> str:
    """The condition that a column has one of these values, in their order; of none, ``false``.

    Exact, where a pattern such as ``LIKE 'sdxl_%'`` would take more than it seems to.
    """
    literals = [literal(one) for one in values]
    if not literals:
        return "false"
    line = ", ".join(literals)
    if len(line) > _LINE_OF_VALUES:
        line = "\n    " + ",\n    ".join(literals) + "\n  "
    return f"{column} in ({line})"


def block(body: str, declare: str = "") -> str:
    """An anonymous block of PL/pgSQL."""
    declared = f"declare\n{declare}" if declare else ""
    return f"do $ourvidz$\n{declared}begin\n{body}end;\n$ourvidz$;\n"
