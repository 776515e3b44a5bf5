"""What is wrong with a spec, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ourvidz.errors import OurvidzError

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A complaint about one field of a job type, by somebody who does not know the file.

    ``found`` and ``expected`` complete "found …, expected …": ``82`` and ``4k+1 frames, such as 81``.
    """

    field: FieldPath
    code: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One defect in one file: a Finding with a position. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    field: str
    found: str
    expected: str
    code: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        expected = f", expected {self.expected}" if self.expected else ""
        return f"{self.file}:{self.line}:{self.column}: {field}found {self.found}{expected}"

    def as_json(self) -> dict[str, str | int]:
        return asdict(self)


class SpecInvalid(OurvidzError):
    """Specs or settings with problems; ``problems`` has all of them, in the files' order."""

    code = "spec_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
