"""What a still life shows: solids by hue, and their shapes by the silhouette that fits best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from scipy import ndimage

from training.measure.picture import (
    Floats,
    Mask,
    Picture,
    Region,
    channels,
    dilated,
    eroded,
    filled,
    nearest,
    opened,
)
from training.world import still_lifes as world
from training.world.scenes import Colour, Material, Relation, Shape, Table, Wall

#: A solid is as saturated as this at least; brown wood, of an orange's hue, is at most so.
SATURATED, WOODEN = 0.46, 0.66
#: Differences between channels that are more than noise on something dark.
COLOURFUL = 0.13

#: Smallest areas in square units: of a solid, about a third of the smallest; of a colour in a picture.
SOLID, PRESENT = 0.03, 0.03

#: Share of a solid that its highlight takes at least.
HIGHLIGHT = 0.012

#: Centres of solids side by side are farther apart than this, of others nearer.
BESIDE = 0.62


@dataclass(frozen=True)
class Solid:
    """A solid, or several of one colour."""

    colour: Colour
    shape: Shape
    material: Material
    region: Region
    x: float
    """Of the middle of its silhouette, in units from the middle of the picture; so too the next two."""
    base: float
    height: float

    @property
    def middle(self) -> float:
        return self.base - self.height / 2


@dataclass(frozen=True)
class StillLifeReading:
    areas: dict[Colour, float]
    """What each colour takes, in square units."""
    solids: list[Region]
    """Solids that stand apart, whatever their colours."""
    wall: Wall
    table: Table


class StillLifePicture:
    """A picture's solids, by colour."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        levels = ndimage.gaussian_filter(picture.levels, (0.7, 0.7, 0))
        most, least = channels(levels)
        saturation = (most - least) / np.maximum(most, 0.02)
        hues = _hues(levels)
        names = get_args(Colour)
        self._closest = np.zeros(hues.shape, np.int8)
        nearest_yet = np.full(hues.shape, np.inf, np.float32)
        for index, name in enumerate(names):
            own = _hues(np.array(world.THING_COLOURS[name], np.float32))
            off = np.abs((hues - own + np.float32(0.5)) % 1 - np.float32(0.5))
            nearer = off < nearest_yet
            self._closest[nearer] = index
            nearest_yet = np.minimum(nearest_yet, off)
        orange = self._closest == names.index("orange")
        vivid = (most - least > COLOURFUL) & (saturation > np.where(orange, WOODEN, SATURATED))
        self.vivid = opened(vivid, 1)

    @cached_property
    def _masks(self) -> dict[Colour, Mask]:
        return {
            name: opened(self.vivid & (self._closest == index), 1)
            for index, name in enumerate(get_args(Colour))
        }

    @property
    def middle(self) -> tuple[float, float] | None:
        """Of all that has colour: in half widths, and in units from the picture's middle."""
        mask = opened(self.vivid, 2)
        if mask.sum() / self.picture.unit**2 < SOLID:
            return None
        region = self.picture.region(mask)
        return region.x, region.y * self.picture.height / 2 / self.picture.unit

    def read(self) -> StillLifeReading:
        picture = self.picture
        whole = filled(self.vivid)
        around = ~dilated(whole, times=4)
        return StillLifeReading(
            areas={name: float(mask.sum() / picture.unit**2) for name, mask in self._masks.items()},
            solids=picture.regions(whole, SOLID),
            wall=nearest(self._median(around, -1.0, -0.15), world.WALL_COLOURS),
            table=nearest(self._median(around, 0.75, 1.0), world.TABLE_COLOURS),
        )

    def solid(self, colour: Colour, others: Sequence[Colour]) -> Solid | None:
        """The largest solid of a colour; ``others`` are the colours of what may stand before it."""
        mask = self._masks[colour]
        if not mask.any() or mask.sum() / self.picture.unit**2 < PRESENT:
            return None
        regions = self.picture.regions(mask, SOLID / 4)
        if not regions:
            return None
        # What is before it may leave it in two parts.
        parts = [one for one in regions if one.area > 0.1 * regions[0].area]
        mask = np.logical_or.reduce([one.mask for one in parts]) if others else regions[0].mask
        hidden = np.zeros_like(mask)
        for other in others:
            hidden |= self._masks[other]
        hidden = filled(hidden)
        return self._solid(colour, filled(mask) & ~hidden, hidden)

    def row(self, solids: Sequence[Region]) -> list[Solid]:
        """Each of the solids that stand apart, by the colour that takes most of it."""
        found = []
        for region in solids:
            masks = {name: mask & region.mask for name, mask in self._masks.items()}
            colour = max(masks, key=lambda name: int(masks[name].sum()))
            parts = self.picture.regions(masks[colour], SOLID / 4)
            if parts:
                mask = filled(parts[0].mask)
                found.append(self._solid(colour, mask, np.zeros_like(mask)))
        return found

    def _solid(self, colour: Colour, mask: Mask, hidden: Mask) -> Solid:
        """What fills a mask; ``hidden`` is what stands before it."""
        fit = _fit(mask, dilated(hidden, times=2) & ~mask)
        inside = eroded(fit.silhouette, times=2) & ~dilated(hidden, times=3)
        levels = self.picture.levels
        most, least = channels(levels)
        white = (least > 0.62) & (least > 0.72 * most) & inside
        white &= dilated(mask, times=3)
        shiny = white.sum() > HIGHLIGHT * max(inside.sum(), 1)
        unit = self.picture.unit
        return Solid(
            colour=colour,
            shape=fit.shape,
            material="shiny" if shiny else "matte",
            region=self.picture.region(mask),
            x=(fit.x - self.picture.width / 2) / unit,
            base=(fit.base - self.picture.height / 2) / unit,
            height=fit.height / unit,
        )

    def _median(self, around: Mask, top: float, bottom: float) -> Floats:
        rows = self.picture.rows(top, bottom)
        seen = self.picture.levels[rows][around[rows]]
        if not len(seen):
            seen = self.picture.levels[rows].reshape(-1, 3)
        found: Floats = np.median(seen, axis=0)
        return found


def relation(first: Solid, second: Solid) -> Relation | None:
    """How the first stands to the second; None: in none of the ways that are spoken of."""
    across = first.x - second.x
    if abs(across) > BESIDE:
        return "left of" if across < 0 else "right of"
    if first.base < second.middle:
        return "on top of"
    return "in front of" if first.base > second.base else None


@dataclass(frozen=True)
class _Fit:
    """The silhouette that fits a mask best; lengths in pixels."""

    shape: Shape
    x: float
    base: float
    height: float
    silhouette: Mask


#: Sides of the grid on which silhouettes are compared.
_GRID = 40


def _fit(mask: Mask, hidden: Mask) -> _Fit:
    """Compare with every solid's silhouette in many places near; what is hidden may be anything."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = 1.5 * max(bottom - top, right - left)
    step = side / _GRID
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    offsets = (np.arange(_GRID) + 0.5 - _GRID / 2) * step
    x, y = middle_x + offsets, middle_y + offsets
    seen = _sampled(mask, x, y)
    known = ~_sampled(hidden, x, y)
    occluded = bool((_sampled(hidden, x, y)).any())
    best = (-1.0, get_args(Shape)[0], 0.0, 0.0, 1.0)
    for shape in get_args(Shape):
        across = world.WIDTHS[shape]
        tall, wide = bottom - top, (right - left) / across
        heights = sorted({float(tall), float(wide), (tall + wide) / 2})
        if occluded:
            heights = [max(tall, wide) * factor for factor in (0.9, 1.0, 1.1, 1.22)]
        for height in heights:
            half = height * across / 2
            bases = {float(bottom), float(top + height), (top + bottom + height) / 2}
            middles = {float(middle_x), left + half, right - half}
            for base in bases:
                for middle in middles:
                    u = (x - middle)[None, :] / height
                    v = (y - base)[:, None] / height
                    own = silhouette(shape, u, v) & known
                    union = (own | (seen & known)).sum()
                    overlap = (own & seen).sum() / max(union, 1)
                    if overlap > best[0]:
                        best = (float(overlap), shape, float(middle), float(base), float(height))
    _, shape, middle, base, height = best
    u = (np.arange(mask.shape[1]) + 0.5 - middle)[None, :] / height
    v = (np.arange(mask.shape[0]) + 0.5 - base)[:, None] / height
    return _Fit(shape, middle, base, height, silhouette(shape, u, v))


def _sampled(mask: Mask, x: Floats, y: Floats) -> Mask:
    rows, columns = np.floor(y).astype(int), np.floor(x).astype(int)
    inside = ((rows >= 0) & (rows < mask.shape[0]))[:, None] & ((columns >= 0) & (columns < mask.shape[1]))
    found: Mask = (
        mask[np.clip(rows, 0, mask.shape[0] - 1)][:, np.clip(columns, 0, mask.shape[1] - 1)] & inside
    )
    return found


def silhouette(shape: Shape, u: Floats, v: Floats) -> Mask:
    """Where a solid is: ``u`` right of its middle, ``v`` down from its lowest point, in its heights."""
    half = world.WIDTHS[shape] / 2
    deep = world.TILT * half
    found: Mask
    if shape == "sphere":
        found = u**2 + (v + 0.5) ** 2 <= 0.25
    elif shape == "cube":
        right, down = u + 0.5 - world.FRONT, v + world.FRONT
        box = (np.abs(u) <= 0.5) & (np.abs(v + 0.5) <= 0.5)
        found = box & (-(u + 0.5) - down <= 0) & (right + v <= 0)
    elif shape == "cone":
        foot = (u / half) ** 2 + ((v + deep) / deep) ** 2 <= 1
        found = foot | ((v >= -1) & (v <= -deep) & (np.abs(u) <= half * (v + 1) / (1 - deep)))
    else:
        lid = (u / half) ** 2 + ((v + 1 - deep) / deep) ** 2 <= 1
        foot = (u / half) ** 2 + ((v + deep) / deep) ** 2 <= 1
        found = lid | foot | ((np.abs(u) <= half) & (v >= deep - 1) & (v <= -deep))
    return found


def _hues(levels: Floats) -> Floats:
    """Hue of colours (…×3), 0 to 1."""
    most, least = channels(levels)
    span = np.maximum(most - least, 1e-6)
    red, green, blue = levels[..., 0], levels[..., 1], levels[..., 2]
    hue = np.where(
        most == red,
        (green - blue) / span % 6,
        np.where(most == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    found: Floats = (hue / 6).astype(np.float32)
    return found
