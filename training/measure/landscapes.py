"""What a landscape shows, read from its pixels by the colours that the world paints with."""

from __future__ import annotations

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
    nearest,
    opened,
    without_thin,
)
from training.world import landscape_colours as world
from training.world.scenes import Ground, Landmark, Place, Ridge, Time, Tree, Weather

#: Where light and clouds are, and nothing else but the sky: the lowest cloud ends above the highest ridge.
SKY_ENDS = -0.27

#: Kinds of pixels that are there.
ALOFT = ("sky", "light", "glow", "cloud")

#: Above this nothing stands before the sky but clouds and the light; below that nothing but ground.
TOP, BOTTOM = -0.75, 0.68

#: Kinds that differ by their places rather than by their colours.
WHITE = ("cloud", "cap", "white")

#: Smallest areas that count, in square units: about a third of the smallest that the world paints.
LIGHT, CLOUD, CROWN, RED, BODY, SAIL = 0.012, 0.014, 0.012, 0.004, 0.012, 0.010

#: Area of a streak of rain or a flake, from and to; and how many of them there are at least in a square
#: unit, of which the world paints 16.
MARK, MARKS = (0.00015, 0.006), 3

#: Share of what is neither tree nor landmark that ridges take of the rows above the horizon.
RIDGED = 0.4


class LandscapePicture:
    """A picture whose attributes are read when they are asked for.

    None: nothing was found.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @cached_property
    def time(self) -> Time:
        top = np.median(self.picture.plain[self.picture.rows(-1, TOP)], axis=(0, 1))
        skies = {
            time: [np.array(world.sky_colours(time, weather)[0]) for weather in get_args(Weather)]
            for time in get_args(Time)
        }
        found: Time = nearest(top, skies)
        return found

    @cached_property
    def ground(self) -> Ground:
        grounds = {
            ground: np.array(world.ground_colour(ground, self.time)) * np.array([[1.0], [0.84]])
            for ground in get_args(Ground)
        }
        found: Ground = nearest(self._earth, grounds)
        return found

    @cached_property
    def light(self) -> Region | None:
        return self.light_above(SKY_ENDS)

    def light_above(self, lowest: float) -> Region | None:
        """The sun or the moon, if its middle is above a place, -1 to 1 from the top to the bottom."""
        mask = self._kinds.mask("light")
        mask[self.picture.row(lowest + 0.35) :] = False
        found = [region for region in self.picture.regions(mask, LIGHT) if region.y < lowest]
        return found[0] if found else None

    @cached_property
    def clouds(self) -> list[Region]:
        mask = self._kinds.mask("cloud")
        mask[self.picture.row(SKY_ENDS) :] = False
        return self.picture.regions(opened(mask, 2), CLOUD)

    @cached_property
    def mountains(self) -> Ridge | None:
        # The lowest valley of the front ridge is a little above this.
        row = self.picture.row(self.horizon)
        rows = slice(row - round(0.075 * self.picture.unit), row)
        areas = {ridge: int(self._kinds.mask(ridge)[rows].sum()) for ridge in get_args(Ridge)}
        best: Ridge = max(areas, key=lambda ridge: areas[ridge])
        around = int(self._kinds.mask("sky", "glow", "cloud")[rows].sum())
        return best if areas[best] > RIDGED * (areas[best] + around) and areas[best] > 0 else None

    @cached_property
    def trees(self) -> list[Region]:
        """Of the kind that takes most."""
        return max(self._trees.values(), key=lambda found: sum(region.area for region in found))

    @cached_property
    def tree(self) -> Tree | None:
        return next((tree for tree, found in self._trees.items() if found and found is self.trees), None)

    @property
    def landmark(self) -> Landmark | None:
        return self._landmark[0]

    @property
    def landmark_x(self) -> float | None:
        return self._landmark[1]

    @cached_property
    def weather(self) -> Weather:
        """By bright marks: over the sky, and at night, when that has stars, over the ground."""
        fine, small = self.picture.fine, self.picture
        height, width = fine.shape[:2]
        unit = min(height, width) / 2
        first, last = (BOTTOM - 0.15, 1.0) if self.time == "night" else (-1.0, SKY_ENDS)
        rows = slice(int((first + 1) / 2 * height), int((last + 1) / 2 * height))
        # The least of the channels: white is bright in it, and no sky is.
        _, levels = channels(fine[rows])
        marks = levels - without_thin(levels, unit) > 0.16
        if self.time != "night":
            # Corners of what is wider are no marks.
            wide = dilated(self._kinds.mask("light", *WHITE), times=3)
            down = np.arange(height) * small.height // height
            across = np.arange(width) * small.width // width
            marks &= ~wide[down[rows]][:, across]
        return _weather(marks, unit)

    @cached_property
    def horizon(self) -> float:
        """The row down from which most is ground, -1 to 1 from the top to the bottom."""
        # Snow is as white as what else is.
        earth = self._kinds.mask(*(WHITE if self.ground == "snow" else ()), "ground")
        # Trees and landmarks stand before both.
        mostly = earth.sum(1) > self._kinds.mask("sky", *get_args(Ridge)).sum(1)
        first, last = self.picture.row(0.05), self.picture.row(0.45)
        rows = np.flatnonzero(~mostly[first:last])
        return float(self.picture.y[first + rows[-1] + 1] if len(rows) else self.picture.y[first])

    @cached_property
    def _earth(self) -> Floats:
        found: Floats = np.median(self.picture.plain[self.picture.rows(BOTTOM, 1)], axis=(0, 1))
        return found

    @cached_property
    def _sky(self) -> Floats:
        """The sky's colour by row, H×3: a line through what the upper rows show beside clouds and light."""
        rows = self.picture.rows(-1, SKY_ENDS)
        # Clouds are brighter than the sky and may cover two thirds of a row, the light a seventh of it.
        shown = np.percentile(self.picture.plain[rows], 25, axis=1)
        slope, start = np.polyfit(self.picture.y[rows], shown, 1)
        fitted: Floats = np.clip(start + slope * self.picture.y[:, None], 0, 1).astype(np.float32)
        return fitted

    @cached_property
    def _kinds(self) -> _Kinds:
        picture, time, sky = self.picture, self.time, self._sky
        horizon = sky[picture.row(0.2)]
        upper = sky[picture.rows(-1, SKY_ENDS)].mean(0)

        def tinted(name: str) -> Floats:
            return np.array(world.tinted(world.PARTS[name], time), np.float32)

        own = np.array(world.ground_colour(self.ground, time), np.float32)
        references: dict[str, list[Floats]] = {
            "light": [np.array(world.light_colour(time), np.float32)],
            "glow": [0.55 * np.array(world.GLOWS[time], np.float32) + 0.45 * upper],
            "cloud": [np.array(world.cloud_colour(time), np.float32) * shade for shade in (1.0, 0.88)],
            "ground": [self._earth, own, own * 0.84],
            "cap": [tinted("cap"), tinted("cap") * 0.85 + horizon * 0.15],
            "white": [tinted("white")],
            "red": [tinted("red")],
            "timber": [tinted("timber"), tinted("hull")],
            "roof": [tinted("roof")],
            "dark": [tinted("dark"), tinted("trunk"), tinted("rock")],
        }
        for ridge in get_args(Ridge):
            colour = np.array(world.ridge_colour(ridge, time), np.float32)
            references[ridge] = [colour + (horizon - colour) * haze for haze in world.HAZE]
        for tree in get_args(Tree):
            colour = np.array(world.tree_colour(tree, time), np.float32)
            references[tree] = [colour * 0.95, np.minimum(colour * 1.04, 1)]
        return _Kinds(picture, references, sky)

    @cached_property
    def _trees(self) -> dict[Tree, list[Region]]:
        found: dict[Tree, list[Region]] = {}
        for tree in get_args(Tree):
            mask = self._kinds.mask(tree)
            mask[: self.picture.row(SKY_ENDS)] = False
            mask[self.picture.row(0.6) :] = False
            found[tree] = self.picture.regions(opened(mask, 2), CROWN)
        return found

    @cached_property
    def _landmark(self) -> tuple[Landmark | None, float | None]:
        picture, kinds = self.picture, self._kinds
        row = picture.row(self.horizon)
        reach, near = round(0.42 * picture.unit), round(0.02 * picture.unit)

        def above(*names: str, up: int = reach) -> Mask:
            mask = kinds.mask(*names)
            mask[: max(row - up, 0)] = False
            mask[row - near :] = False
            return mask

        def below(*names: str) -> Mask:
            mask = kinds.mask(*names)
            mask[: row + near] = False
            mask[row + reach // 2 :] = False
            return mask

        red = picture.regions(above("red"), RED)
        if red:
            return "lighthouse", red[0].x
        # Timber is as brown as mountains are; of these a thin strip may be below the row.
        brown, dark = below("timber", "roof", "brown"), below("dark")
        body = opened(brown | dark, 2)
        bodies = [
            one for one in picture.regions(body, BODY) if (one.mask & dark).sum() < 0.6 * one.mask.sum()
        ]
        if not bodies:
            return None, None
        x = bodies[0].x
        sails = picture.regions(above("white", "cap", "cloud", up=reach // 3), SAIL)
        return ("sailboat" if sails else "cabin"), x


class _Kinds:
    """What each pixel is most like."""

    def __init__(self, picture: Picture, references: dict[str, list[Floats]], sky: Floats) -> None:
        self._names = ["sky", *(name for name, colours in references.items() for _ in colours)]
        colours = np.array([colour for several in references.values() for colour in several], np.float32)
        pixels = picture.plain.reshape(-1, 3)
        # Squared distances, but for the pixel's own square, which is the same to all.
        distances = np.empty((len(pixels), len(self._names)), np.float32)
        distances[:, 0] = (np.square(sky).sum(-1)[:, None] - 2 * _products(picture.plain, sky)).ravel()
        np.matmul(pixels, colours.T * -2, out=distances[:, 1:])
        distances[:, 1:] += np.square(colours).sum(-1)
        ends = picture.row(SKY_ENDS) * picture.width
        aloft = np.array([index for index, name in enumerate(self._names) if name in ALOFT])
        self._nearest = np.concatenate(
            [aloft[distances[:ends, aloft].argmin(1)], distances[ends:].argmin(1)]
        ).reshape(picture.plain.shape[:2])

    def mask(self, *names: str) -> Mask:
        wanted = np.array([name in names for name in self._names])
        found: Mask = wanted[self._nearest]
        return found


def _products(pixels: Floats, rows: Floats) -> Floats:
    """Of each pixel (H×W×3) with its row's colour (H×3), H×W."""
    found: Floats = np.einsum("hwc,hc->hw", pixels, rows)
    return found


def _weather(marks: Mask, unit: float) -> Weather:
    """By how many marks there are, and whether they are long; ``unit`` is in their pixels."""
    labels, _ = ndimage.label(marks)
    long = compact = 0
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        down, across = np.nonzero(labels[box] == index)
        if len(down) < 3 or not MARK[0] < len(down) / unit**2 < MARK[1]:
            continue
        # A pixel by itself has a spread of 1/12.
        least, most = np.linalg.eigvalsh(np.cov(down, across) + np.eye(2) / 12)
        if most > 6 * least:
            long += 1
        else:
            compact += 1
    if long + compact < MARKS * marks.size / unit**2:
        return "clear"
    return "rain" if long > compact else "snowfall"


def place(x: float) -> Place:
    """The nearest of the places, -1 to 1 across the picture."""
    if abs(x) < 0.26:
        return "middle"
    return "left" if x < 0 else "right"
