"""How many claims of each class of attribute are true of what was painted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.world.captions import Claim

#: Under which all classes together are told.
ALL = "all"


class Tally:
    """Claims that were measured and those that hold, by class of attribute."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._right: Counter[str] = Counter()

    def add(self, claims: Sequence[Claim], held: Sequence[bool]) -> None:
        for claim, one in zip(claims, held, strict=True):
            for name in (claim.about, ALL):
                self._count[name] += 1
                self._right[name] += one

    def figures(self) -> dict[str, dict[str, float]]:
        """``count``, ``right`` and ``share`` of each class, by its name, and of all at the end."""
        names = [*sorted(self._count.keys() - {ALL}), *([ALL] if self._count else [])]
        return {
            name: {
                "count": self._count[name],
                "right": self._right[name],
                "share": round(self._right[name] / self._count[name], 4),
            }
            for name in names
        }


def markdown(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of shares in percent: a row for each class of attribute, a column for each result."""
    names = list(dict.fromkeys(name for figures in results.values() for name in figures if name != ALL))
    rows = [["attribute", *results], ["---", *("---:" for _ in results)]]
    for name in [*names, ALL]:
        cells = (_cell(figures.get(name)) for figures in results.values())
        rows.append([name, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _cell(figures: Mapping[str, float] | None) -> str:
    return f"{100 * figures['share']:.1f} of {figures['count']}" if figures else ""
