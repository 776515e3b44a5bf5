"""A picture as it is measured: small, with coordinates, and without what is thin and bright.

Coordinates are those of ``training.world.canvas``: lengths in units of half the shorter side, places from
-1 to 1 across and down the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]

#: The shorter side in pixels, at most: where shapes are measured, and where rain and flakes are.
SHORT, FINE = 256, 512

#: Width of the widest flake, and some more: what is brighter than its surroundings and narrower is removed.
THIN = 0.05


@dataclass(frozen=True)
class Region:
    """A connected part of a picture."""

    mask: Mask
    """Of the whole picture."""
    area: float
    """In square units."""
    x: float
    """Of its centroid, -1 at the left of the picture and 1 at its right."""
    y: float
    """-1 at the top and 1 at the bottom."""


class Picture:
    """An RGB picture of any size."""

    def __init__(self, picture: Image.Image | np.ndarray[Any, Any]) -> None:
        """``picture`` is a PIL image or uint8 of H×W×3. Raises ValueError if it is anything else."""
        if isinstance(picture, np.ndarray):
            if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
                raise ValueError(f"found {picture.dtype} of {picture.shape}, expected uint8 of H×W×3")
            picture = Image.fromarray(picture)
        self._picture = picture.convert("RGB")
        self.levels = _levels(self._picture, SHORT)
        """H×W×3, 0 to 1."""
        self.height, self.width = self.levels.shape[:2]
        self.unit = min(self.height, self.width) / 2
        """In pixels."""
        self.x = _places(self.width)
        self.y = _places(self.height)

    @cached_property
    def fine(self) -> Floats:
        """As ``levels``, with more pixels."""
        return _levels(self._picture, FINE)

    @cached_property
    def plain(self) -> Floats:
        """``levels`` without rain, flakes, stars and other thin bright things."""
        return without_thin(self.levels, self.unit)

    def rows(self, top: float, bottom: float) -> slice:
        """The rows between two places."""
        return slice(self.row(top), max(self.row(bottom), self.row(top) + 1))

    def row(self, y: float) -> int:
        return int(np.clip(round((y + 1) / 2 * self.height), 0, self.height - 1))

    def regions(self, mask: Mask, smallest: float) -> list[Region]:
        """Connected parts of a mask of at least an area, the largest first."""
        labels, count = ndimage.label(mask)
        if not count:
            return []
        areas = np.bincount(labels.ravel())[1:] / self.unit**2
        found = [int(one) for one in np.argsort(-areas) if areas[one] >= smallest]
        return [self.region(labels == one + 1) for one in found]

    def region(self, mask: Mask) -> Region:
        """All that a mask covers, which must be something."""
        rows, columns = mask.sum(1), mask.sum(0)
        total = rows.sum()
        return Region(
            mask, float(total / self.unit**2), float(columns @ self.x / total), float(rows @ self.y / total)
        )


def opened(mask: Mask, times: int) -> Mask:
    """``ndimage.binary_opening`` with so many iterations, in a fraction of its time."""
    for _ in range(times):
        mask = ~_grown(~mask, outside=True)
    for _ in range(times):
        mask = _grown(mask, outside=False)
    return mask


def dilated(mask: Mask, times: int) -> Mask:
    """``ndimage.binary_dilation`` with so many iterations."""
    for _ in range(times):
        mask = _grown(mask, outside=False)
    return mask


def eroded(mask: Mask, times: int) -> Mask:
    """``ndimage.binary_erosion`` with so many iterations."""
    for _ in range(times):
        mask = ~_grown(~mask, outside=True)
    return mask


def filled(mask: Mask) -> Mask:
    """``ndimage.binary_fill_holes``: with all that is not joined to the border of the picture."""
    labels, count = ndimage.label(~mask)
    outside = np.zeros(count + 1, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        outside[border] = True
    outside[0] = False
    found: Mask = ~outside[labels]
    return found


def channels(levels: Floats) -> tuple[Floats, Floats]:
    """The most and the least of the three channels of colours (…×3)."""
    red, green, blue = levels[..., 0], levels[..., 1], levels[..., 2]
    return np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)


def _grown(mask: Mask, *, outside: bool) -> Mask:
    """A mask and the neighbours of its pixels; ``outside`` is what the picture's surroundings are."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    if outside:
        grown[[0, -1]] = True
        grown[:, [0, -1]] = True
    return grown


def without_thin(levels: Floats, unit: float) -> Floats:
    """Fill what is brighter than its surroundings and thin; H×W or H×W×3."""
    size = 2 * round(THIN * unit / 2) + 1
    opened: Floats = ndimage.grey_opening(levels, (size, size, 1)[: levels.ndim])
    return opened


def _levels(picture: Image.Image, short: int) -> Floats:
    scale = short / min(picture.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    return np.asarray(picture, np.float32) / 255


def _places(count: int) -> Floats:
    return ((np.arange(count, dtype=np.float32) + 0.5) / count * 2 - 1).astype(np.float32)


def nearest(colour: Floats, references: dict[Any, Any]) -> Any:
    """The key of the reference nearest to a colour; a reference is one colour or several."""
    return min(
        references,
        key=lambda key: float(np.linalg.norm(np.atleast_2d(references[key]) - colour, axis=1).min()),
    )
