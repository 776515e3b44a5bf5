"""What a YAML file says, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ourvidz.spec.problems import FieldPath, Problem
from ourvidz.spec.wording import dotted

#: Line and column in a file, counted from 1.
Position = tuple[int, int]

START: Position = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML file says, and where.

    ``content`` is a mapping of texts to plain values; empty when there is none to speak of.
    ``faults`` has the paths that a problem is about: their values are placeholders.
    """

    file: str
    content: dict[str, Any] = field(default_factory=dict)
    positions: dict[FieldPath, tuple[int, int, int, int]] = field(default_factory=dict)
    """Line and column of every key, then of its value; an element of a list is its own key."""
    empty: set[FieldPath] = field(default_factory=set)
    """Keys with nothing after the colon."""
    faults: set[FieldPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def value_position(self, path: FieldPath) -> Position:
        """Where a value stands, or else the nearest key around it."""
        position = self.positions.get(path)
        return position[2:] if position else self.key_position(path)

    def key_position(self, path: FieldPath) -> Position:
        """Where a key stands, or else the nearest key around it."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions[path][:2] if path else START

    def problem(
        self, path: FieldPath, code: str, found: str, expected: str, *, position: Position | None = None
    ) -> Problem:
        """A problem with a value, or with what ``position`` says."""
        line, column = position or self.value_position(path)
        return Problem(self.file, line, column, dotted(path), found, expected, code)
