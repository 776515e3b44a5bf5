"""What a YAML file says, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ourvidz.spec.problems import FieldPath, Problem
from ourvidz.spec.wording import dotted

#: Line and column of a position in a file, counted from 1.
Place = tuple[int, int]

START: Place = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML file says, and where.

    ``content`` is a mapping of texts to plain values; empty when there is none to speak of.
    ``faults`` has the paths that a problem is about: their values are placeholders.
    """

    file: str
    content: dict[str, Any] = field(default_factory=dict)
    places: dict[FieldPath, tuple[int, int, int, int]] = field(default_factory=dict)
    """Line and column of every key, then of its value; an element of a list is its own key."""
    empty: set[FieldPath] = field(default_factory=set)
    """Keys with nothing after the colon."""
    faults: set[FieldPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def value_place(self, path: FieldPath) -> Place:
        """Where a value stands, or else the nearest key around it."""
        place = self.places.get(path)
        return place[2:] if place else self.key_place(path)

    def key_place(self, path: FieldPath) -> Place:
        """Where a key stands, or else the nearest key around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path][:2] if path else START

    def problem(
        self, path: FieldPath, code: str, found: str, expected: str, *, place: Place | None = None
    ) -> Problem:
        """A problem with a value, or with what ``place`` says."""
        line, column = place or self.value_place(path)
        return Problem(self.file, line, column, dotted(path), found, expected, code)
