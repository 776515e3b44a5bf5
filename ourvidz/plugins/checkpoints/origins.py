"""Where the tensors of a part are found in a checkpoint that its authors laid out otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Change = Literal["whole", "transposed", "matrix", "first third", "second third", "last third"]


@dataclass(frozen=True, slots=True)
class Origin:
    """One tensor of a part: the name that it has in the original, and what is taken of it."""

    name: str
    change: Change = "whole"
    """``matrix``: a 1×1 convolution as the matrix that it is; thirds are of the first dimension."""

    def fits(self, original: tuple[int, ...]) -> bool:
        """Whether something can be taken of a tensor of this shape."""
        return not self.change.endswith("third") or (bool(original) and original[0] % 3 == 0)

    def shape(self, original: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the part's tensor, of a shape in the original that :meth:`fits`."""
        if self.change == "transposed":
            return original[::-1]
        if self.change == "matrix":
            return original[:2]
        if self.change.endswith("third"):
            return (original[0] // 3, *original[1:])
        return original
