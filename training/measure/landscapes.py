"""What a landscape shows, read from its pixels by the colours that the world paints with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from scipy import ndimage

from training.measure.picture import Floats, Mask, Picture, Region, nearest, without_thin
from training.world import landscape_colours as world
from training.world.scenes import Ground, Landmark, Place, Ridge, Time, Tree, Weather

#: Where light and clouds are, and nothing else but the sky: the lowest cloud ends above the highest ridge.
SKY_ENDS = -0.27

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


@dataclass(frozen=True)
class LandscapeReading:
    """What was found. Places are nearest ones; None: nothing was found."""

    time: Time
    ground: Ground
    horizon: float
    """-1 to 1, from the top to the bottom of the picture."""
    light: Region | None
    clouds: list[Region]
    weather: Weather
    mountains: Ridge | None
    trees: list[Region]
    tree: Tree | None
    landmark: Landmark | None
    landmark_x: float | None


def read_landscape(picture: Picture) -> LandscapeReading:
    time = _time(picture)
    ground = _ground(picture, time)
    sky = _sky(picture)
    kinds = _kinds(picture, time, ground, sky)
    horizon = _horizon(picture, kinds, ground)
    light = _light(picture, kinds)
    trees, tree = _trees(picture, kinds)
    landmark, landmark_x = _landmark(picture, kinds, horizon)
    return LandscapeReading(
        time=time,
        ground=ground,
        horizon=horizon,
        light=light,
        clouds=_clouds(picture, kinds, ground),
        weather=_weather(picture, kinds, time),
        mountains=_mountains(picture, kinds, horizon),
        trees=trees,
        tree=tree,
        landmark=landmark,
        landmark_x=landmark_x,
    )


def _time(picture: Picture) -> Time:
    top = np.median(picture.plain[picture.rows(-1, TOP)], axis=(0, 1))
    skies = {
        time: [np.array(world.sky_colours(time, weather)[0]) for weather in get_args(Weather)]
        for time in get_args(Time)
    }
    found: Time = nearest(top, skies)
    return found


def _ground(picture: Picture, time: Time) -> Ground:
    bottom = np.median(picture.plain[picture.rows(BOTTOM, 1)], axis=(0, 1))
    grounds = {
        ground: np.array(world.ground_colour(ground, time)) * np.array([[1.0], [0.84]])
        for ground in get_args(Ground)
    }
    found: Ground = nearest(bottom, grounds)
    return found


def _sky(picture: Picture) -> Floats:
    """The sky's colour by row, H×3: a line through what the upper rows show between clouds and light."""
    rows = picture.rows(-1, SKY_ENDS)
    # Clouds are brighter than the sky and may cover two thirds of a row, the light a seventh of it.
    shown = np.percentile(picture.plain[rows], 25, axis=1)
    slope, start = np.polyfit(picture.y[rows], shown, 1)
    fitted: Floats = np.clip(start + slope * picture.y[:, None], 0, 1).astype(np.float32)
    return fitted


class _Kinds:
    """What each pixel is most like."""

    def __init__(self, picture: Picture, references: dict[str, list[Floats]], sky: Floats) -> None:
        self._names = ["sky", *(name for name, colours in references.items() for _ in colours)]
        colours = np.array([colour for several in references.values() for colour in several], np.float32)
        pixels = picture.plain.reshape(-1, 3)
        # Squared distances, but for the pixel's own square, which is the same to all.
        own = picture.plain @ sky[:, :, None] * -2 + np.square(sky).sum(-1)[:, None, None]
        others = pixels @ colours.T * -2 + np.square(colours).sum(-1)
        distances = np.concatenate([own.reshape(-1, 1), others], axis=1)
        self._nearest = np.argmin(distances, axis=1).reshape(picture.plain.shape[:2])

    def mask(self, *names: str) -> Mask:
        wanted = np.array([name in names for name in self._names])
        found: Mask = wanted[self._nearest]
        return found


def _kinds(picture: Picture, time: Time, ground: Ground, sky: Floats) -> _Kinds:
    horizon = sky[picture.row(0.2)]
    upper = sky[picture.rows(-1, SKY_ENDS)].mean(0)

    def tinted(name: str) -> Floats:
        return np.array(world.tinted(world.PARTS[name], time), np.float32)

    earth = np.median(picture.plain[picture.rows(BOTTOM, 1)], axis=(0, 1))
    own = np.array(world.ground_colour(ground, time), np.float32)
    references: dict[str, list[Floats]] = {
        "light": [np.array(world.light_colour(time), np.float32)],
        "glow": [0.55 * np.array(world.GLOWS[time], np.float32) + 0.45 * upper],
        "cloud": [np.array(world.cloud_colour(time), np.float32) * shade for shade in (1.0, 0.88)],
        "ground": [earth, own, own * 0.84],
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


def _horizon(picture: Picture, kinds: _Kinds, ground: Ground) -> float:
    """The row down from which most is ground."""
    earth = kinds.mask(*(WHITE if ground == "snow" else ()), "ground")
    other = kinds.mask("sky", *get_args(Ridge))
    # Trees and landmarks stand before both.
    mostly = earth.sum(1) > other.sum(1)
    first, last = picture.row(0.05), picture.row(0.45)
    rows = np.flatnonzero(~mostly[first:last])
    return float(picture.y[first + rows[-1] + 1] if len(rows) else picture.y[first])


def _light(picture: Picture, kinds: _Kinds) -> Region | None:
    mask = kinds.mask("light")
    mask[picture.row(0.1) :] = False
    found = [region for region in picture.regions(mask, LIGHT) if region.y < SKY_ENDS]
    return found[0] if found else None


def _clouds(picture: Picture, kinds: _Kinds, ground: Ground) -> list[Region]:
    mask = kinds.mask(*WHITE, *(("ground",) if ground == "snow" else ()))
    mask[picture.row(SKY_ENDS) :] = False
    return picture.regions(ndimage.binary_opening(mask, iterations=2), CLOUD)


def _mountains(picture: Picture, kinds: _Kinds, horizon: float) -> Ridge | None:
    # The lowest valley of the front ridge is a little above this.
    rows = slice(picture.row(horizon) - round(0.075 * picture.unit), picture.row(horizon))
    areas = {ridge: int(kinds.mask(ridge)[rows].sum()) for ridge in get_args(Ridge)}
    best: Ridge = max(areas, key=lambda ridge: areas[ridge])
    around = int(kinds.mask("sky", "glow", "cloud")[rows].sum())
    return best if areas[best] > RIDGED * (areas[best] + around) and areas[best] > 0 else None


def _trees(picture: Picture, kinds: _Kinds) -> tuple[list[Region], Tree | None]:
    found = {}
    for tree in get_args(Tree):
        mask = kinds.mask(tree)
        mask[: picture.row(SKY_ENDS)] = False
        mask[picture.row(0.6) :] = False
        found[tree] = picture.regions(ndimage.binary_opening(mask, iterations=2), CROWN)
    best: Tree = max(found, key=lambda tree: sum(region.area for region in found[tree]))
    return found[best], best if found[best] else None


def _landmark(picture: Picture, kinds: _Kinds, horizon: float) -> tuple[Landmark | None, float | None]:
    row = picture.row(horizon)
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
    body = ndimage.binary_opening(below("timber", "roof", "brown"), iterations=2)
    bodies = picture.regions(body, BODY)
    if not bodies:
        return None, None
    x = bodies[0].x
    sails = picture.regions(above("white", "cap", "cloud", up=reach // 3), SAIL)
    return ("sailboat" if sails else "cabin"), x


def _weather(picture: Picture, kinds: _Kinds, time: Time) -> Weather:
    """By bright marks: over the sky, and at night, when that has stars, over the ground."""
    fine = picture.fine
    height, width = fine.shape[:2]
    unit = min(height, width) / 2
    first, last = (BOTTOM - 0.15, 1.0) if time == "night" else (-1.0, SKY_ENDS)
    rows = slice(int((first + 1) / 2 * height), int((last + 1) / 2 * height))
    # The least of the channels: white is bright in it, and no sky is.
    levels = fine[rows].min(-1)
    marks = levels - without_thin(levels, unit) > 0.16
    # Corners of what is wider are no marks.
    wide = ndimage.binary_dilation(kinds.mask("light", *WHITE), iterations=3)
    down, across = (
        np.arange(size) * small // size for size, small in ((height, picture.height), (width, picture.width))
    )
    if time != "night":
        marks &= ~wide[down[rows]][:, across]
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
    if long + compact < MARKS * levels.size / unit**2:
        return "clear"
    return "rain" if long > compact else "snowfall"


def place(x: float) -> Place:
    """The nearest of the places, -1 to 1 across the picture."""
    if abs(x) < 0.26:
        return "middle"
    return "left" if x < 0 else "right"
