"""Paints landscapes: flat illustrations of big shapes, whose every attribute can be read from the pixels.

Positions across are shares of half the width, positions down of half the height, and sizes are in units of
the canvas, half the shorter side. So what stands apart in a square picture does so in every other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from training.world.canvas import View, cover, over
from training.world.scenes import Ground, Landscape, Place, Ridge, Time, Tree, Weather

Colour = tuple[float, float, float]
"""sRGB, 0 to 1."""

#: Of the sky, at the top and at the horizon.
SKIES: dict[Time, tuple[Colour, Colour]] = {
    "day": ((0.20, 0.52, 0.93), (0.66, 0.86, 0.98)),
    "sunset": ((0.80, 0.38, 0.55), (1.00, 0.76, 0.45)),
    "night": ((0.02, 0.03, 0.13), (0.07, 0.10, 0.27)),
}
#: Share of this grey that rain and snowfall mix into the sky.
OVERCAST = 0.3
OVERCAST_GREYS: dict[Time, Colour] = {
    "day": (0.42, 0.47, 0.55),
    "sunset": (0.62, 0.45, 0.45),
    "night": (0.10, 0.11, 0.16),
}
LIGHTS: dict[Time, Colour] = {
    "day": (1.00, 0.93, 0.50),
    "sunset": (0.96, 0.26, 0.10),
    "night": (0.98, 0.95, 0.80),
}
GLOWS: dict[Time, Colour] = {
    "day": (1.00, 0.97, 0.80),
    "sunset": (1.00, 0.80, 0.42),
    "night": (0.26, 0.30, 0.48),
}
CLOUDS: dict[Time, Colour] = {
    "day": (0.98, 0.98, 1.00),
    "sunset": (1.00, 0.87, 0.84),
    "night": (0.40, 0.45, 0.58),
}
#: By day; ``TINTS`` says what other times make of it. So too below.
GROUNDS: dict[Ground, Colour] = {
    "sea": (0.08, 0.47, 0.62),
    "snow": (0.92, 0.95, 1.00),
    "sand": (0.92, 0.77, 0.46),
    "grass": (0.48, 0.75, 0.27),
}
RIDGES: dict[Ridge, Colour] = {
    "blue": (0.26, 0.42, 0.86),
    "purple": (0.56, 0.32, 0.74),
    "brown": (0.55, 0.35, 0.20),
    "green": (0.18, 0.54, 0.32),
}
TREES: dict[Tree, Colour] = {
    "fir": (0.07, 0.37, 0.23),
    "autumn": (0.92, 0.43, 0.08),
    "blossom": (0.98, 0.60, 0.76),
}
#: What a colour is multiplied with.
TINTS: dict[Time, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.98, 0.84, 0.80),
    "night": (0.55, 0.56, 0.66),
}

#: All else: what the time of day tints, and what it does not.
PARTS: dict[str, Colour] = {
    "cap": (0.97, 0.98, 1.00),
    "trunk": (0.36, 0.24, 0.16),
    "foam": (0.62, 0.84, 0.90),
    "rock": (0.36, 0.36, 0.40),
    "white": (0.97, 0.96, 0.94),
    "red": (0.85, 0.15, 0.13),
    "dark": (0.22, 0.16, 0.15),
    "timber": (0.55, 0.34, 0.19),
    "roof": (0.38, 0.17, 0.13),
    "hull": (0.50, 0.26, 0.14),
}
SHINING: dict[str, Colour] = {
    "lamp": (1.00, 0.86, 0.36),
    "star": (0.95, 0.95, 0.88),
    "rain": (0.90, 0.94, 1.00),
    "flake": (1.00, 1.00, 1.00),
}

LIGHT_AT: dict[Place, float] = {"left": -0.55, "middle": 0.0, "right": 0.55}
LANDMARK_AT: dict[Place, float] = {"left": -0.5, "middle": 0.0, "right": 0.5}
#: What is clear between clouds and around the light at least, unless the sky is full; between trees always.
CLOUDS_APART, TREES_APART = 0.10, 0.06
#: Of the width.
CLOUD_HEIGHT = 0.54
#: Of the height.
TREE_WIDTH = 0.56
#: How far the light rises or sets, of the sky's height.
CLIMB = 0.45
#: How far clouds drift and the foreground pans, of half the width.
DRIFT, PAN = 0.35, 0.3
#: How much of the foreground's way others go in a pan: clouds, then ridges from the farthest.
PARALLAX_CLOUDS, PARALLAX_RIDGES = 0.15, (0.3, 0.45, 0.6)
#: How much of its colour a ridge loses to the sky, from the farthest.
HAZE = (0.36, 0.18, 0.0)
#: Share of a ridge's height above which it is white.
CAP_FROM = 0.66
#: How many ridges have caps, from the farthest; the front one always shows its colour.
CAPPED = 2

_TAU = 2 * math.pi
_ACROSS = np.linspace(-2.5, 2.5, 101)
_PARTS = {name: index for index, name in enumerate((*PARTS, *SHINING))}


def tinted(colour: Colour, time: Time) -> Colour:
    red, green, blue = (part * tint for part, tint in zip(colour, TINTS[time], strict=True))
    return red, green, blue


def sky_colours(time: Time, weather: Weather = "clear") -> tuple[Colour, Colour]:
    """At the top and at the horizon."""
    top, bottom = SKIES[time]
    if weather == "clear":
        return top, bottom
    return _mix(top, OVERCAST_GREYS[time], OVERCAST), _mix(bottom, OVERCAST_GREYS[time], OVERCAST)


def ground_colour(ground: Ground, time: Time) -> Colour:
    """Where it is lit; up to a fifth darker elsewhere, and the sea has lighter strips of foam."""
    return tinted(GROUNDS[ground], time)


def ridge_colour(ridge: Ridge, time: Time) -> Colour:
    """Of the front ridge; those behind are mixed with the sky's horizon by ``HAZE``."""
    return tinted(RIDGES[ridge], time)


def tree_colour(tree: Tree, time: Time) -> Colour:
    """Of the crown."""
    return tinted(TREES[tree], time)


def light_colour(time: Time) -> Colour:
    return LIGHTS[time]


def cloud_colour(time: Time) -> Colour:
    return CLOUDS[time]


@dataclass(frozen=True)
class Packed:
    """Landscapes as tensors, ready to be painted: float32, colours B×3, all else B×…×1×1.

    What a scene lacks has presence 0, so that one painting does for all.
    """

    top: torch.Tensor
    bottom: torch.Tensor
    parts: torch.Tensor
    """B×parts×3, in the order of ``PARTS`` and ``SHINING``."""
    starry: torch.Tensor
    rain: torch.Tensor
    snowfall: torch.Tensor
    phase: torch.Tensor
    """Where the fields of stars, flakes and waves begin: B×4×1×1."""

    light: torch.Tensor
    light_colour: torch.Tensor
    glow: torch.Tensor
    light_x: torch.Tensor
    light_y: torch.Tensor
    radius: torch.Tensor
    crescent: torch.Tensor

    clouds: torch.Tensor
    """Presence, B×3×1×1; so too the next two."""
    cloud_x: torch.Tensor
    cloud_y: torch.Tensor
    cloud_width: torch.Tensor
    cloud_lobes: torch.Tensor
    """B×3×3×1×1, the sizes of a cloud's humps."""
    cloud_colour: torch.Tensor

    mountains: torch.Tensor
    caps: torch.Tensor
    ridge: torch.Tensor
    heights: torch.Tensor
    """B×3×1×1, from the farthest ridge; so too the next."""
    waves: torch.Tensor
    """B×3×3×3×1×1: frequencies, phases and weights, which add up to heights of 0 to 1."""
    lows: torch.Tensor
    """B×3×1×1, what the waves' sum needs to be at least 0."""

    horizon: torch.Tensor
    roughness: torch.Tensor
    """How high hills go."""
    sea: torch.Tensor
    ground: torch.Tensor
    shadow: torch.Tensor

    trees: torch.Tensor
    tree_x: torch.Tensor
    tree_depth: torch.Tensor
    """Of the foot, below the horizon."""
    tree_height: torch.Tensor
    fir: torch.Tensor
    tree: torch.Tensor

    lighthouse: torch.Tensor
    cabin: torch.Tensor
    sailboat: torch.Tensor
    landmark_x: torch.Tensor
    landmark_depth: torch.Tensor

    climb: torch.Tensor
    """Of the light through the clip, of the sky's height; up is positive."""
    drift: torch.Tensor
    """Of the clouds through the clip, to the right."""
    pan: torch.Tensor
    """Of the foreground through the clip, to the right."""

    def part(self, name: str) -> torch.Tensor:
        """A part's colour, B×3."""
        return self.parts[:, _PARTS[name]]

    def __len__(self) -> int:
        return self.top.shape[0]

    def __getitem__(self, index: Any) -> Packed:
        """Some of the scenes; ``index`` is a slice, or a tensor of indices or of booleans."""
        return Packed(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def to(self, device: torch.device | str) -> Packed:
        return Packed(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def pack(scenes: Sequence[Landscape], device: torch.device | str = "cpu") -> Packed:
    composed = [_compose(scene) for scene in scenes]
    return Packed(
        **{
            name: torch.from_numpy(np.stack([np.asarray(one[name], np.float32) for one in composed])).to(
                device
            )
            for name in composed[0]
        }
    )


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def _number(value: Any) -> Any:
    """With two more axes, for rows and columns of pixels."""
    return np.asarray(value, np.float32)[..., None, None]


def _compose(scene: Landscape) -> dict[str, Any]:
    """Where everything stands; by the scene's seed alone."""
    # Each has lots of its own, so that another number of clouds or trees leaves all else in its place.
    lots, cloud_lots, tree_lots = (np.random.default_rng((scene.seed, part)) for part in range(3))
    time = scene.time
    motion = scene.motion.split()
    climb = {"rises": CLIMB, "sets": -CLIMB}.get(motion[-1], 0.0) if motion[0] == "light" else 0.0
    drift = {"left": -DRIFT, "right": DRIFT}[motion[-1]] if motion[0] == "clouds" else 0.0
    # A camera that turns to the right sees everything move to the left.
    pan = {"left": PAN, "right": -PAN}[motion[-1]] if motion[0] == "pan" else 0.0

    horizon = lots.uniform(0.17, 0.29)
    radius = lots.uniform(0.135, 0.165)
    light_x = LIGHT_AT[scene.light or "middle"] + lots.uniform(-0.06, 0.06)
    # What moves has a long way to go below, and should still be seen there.
    light_y = lots.uniform(-0.80, -0.74) if climb else lots.uniform(-0.72, -0.48)
    crescent = (lots.random() < 0.5) & (time == "night")
    # What shines of a crescent is left of the disc's middle.
    light_x += 0.35 * radius * crescent

    cloud_x, cloud_y, cloud_width = _place_clouds(
        cloud_lots,
        scene.clouds,
        light=None if scene.light is None else (light_x, light_y, radius),
        climb=abs(climb) * (1 + horizon),
        sway=abs(drift) / 2 + abs(pan) * PARALLAX_CLOUDS / 2,
    )
    landmark_x = LANDMARK_AT[scene.landmark_place] + lots.uniform(-0.04, 0.04)
    half = {None: None, "lighthouse": 0.11, "cabin": 0.25, "sailboat": 0.21}[scene.landmark]
    tree_x, tree_height = _place_trees(
        tree_lots,
        scene.trees,
        landmark=None if half is None else (landmark_x, half),
        edge=1 - abs(pan) / 6,
    )
    tree_depth = np.sort(lots.uniform(0.14, 0.30, 3))

    # Triangle waves, whose sum is brought to heights from 0 to 1.
    frequency = np.array([0.9, 1.7, 3.1]) * lots.uniform(0.85, 1.15, (3, 3))
    start = lots.uniform(0, 1, (3, 3))
    weight = np.array([1.0, 0.6, 0.22]) * lots.uniform(0.8, 1.2, (3, 3))
    turns = _ACROSS[:, None, None] * frequency + start
    sums = (weight * (1 - 4 * np.abs(turns % 1 - 0.5))).sum(-1)
    low, high = sums.min(0), sums.max(0)
    waves = np.stack([frequency, start, weight / (high - low)[:, None]], axis=1)
    lows = -low / (high - low)

    ground = np.array(ground_colour(scene.ground, time))
    dimming = {"sea": 0.80, "snow": 0.86, "sand": 0.88, "grass": 0.84}[scene.ground]
    top, bottom = sky_colours(time, scene.weather)
    return {
        "top": top,
        "bottom": bottom,
        "parts": [*(tinted(colour, time) for colour in PARTS.values()), *SHINING.values()],
        "starry": _number(time == "night" and scene.weather == "clear"),
        "rain": _number(scene.weather == "rain"),
        "snowfall": _number(scene.weather == "snowfall"),
        "phase": _number(lots.uniform(0, _TAU, 4)),
        "light": _number(scene.light is not None),
        "light_colour": LIGHTS[time],
        "glow": GLOWS[time],
        "light_x": _number(light_x),
        "light_y": _number(light_y),
        "radius": _number(radius),
        "crescent": _number(crescent),
        "clouds": _number(np.arange(3) < scene.clouds),
        "cloud_x": _number(cloud_x),
        "cloud_y": _number(cloud_y),
        "cloud_width": _number(cloud_width),
        "cloud_lobes": _number(lots.uniform(0.85, 1.1, (3, 3))),
        "cloud_colour": CLOUDS[time],
        "mountains": _number(scene.mountains is not None),
        "caps": _number(scene.mountains is not None and scene.snow_caps),
        "ridge": ridge_colour(scene.mountains or "blue", time),
        "heights": _number(lots.uniform((0.39, 0.31, 0.22), (0.43, 0.35, 0.27))),
        "waves": _number(waves),
        "lows": _number(lows),
        "horizon": _number(horizon),
        "roughness": _number({"sea": 0.0, "snow": 0.018, "sand": 0.026, "grass": 0.022}[scene.ground]),
        "sea": _number(scene.ground == "sea"),
        "ground": ground,
        "shadow": ground * dimming,
        "trees": _number(np.arange(3) < scene.trees),
        "tree_x": _number(tree_x),
        "tree_depth": _number(tree_depth),
        "tree_height": _number(tree_height),
        "fir": _number(scene.tree == "fir"),
        "tree": tree_colour(scene.tree, time),
        "lighthouse": _number(scene.landmark == "lighthouse"),
        "cabin": _number(scene.landmark == "cabin"),
        "sailboat": _number(scene.landmark == "sailboat"),
        "landmark_x": _number(landmark_x),
        "landmark_depth": _number(lots.uniform(0.12, 0.17)),
        "climb": _number(climb),
        "drift": _number(drift),
        "pan": _number(pan),
    }


def _place_clouds(
    lots: np.random.Generator,
    number: int,
    *,
    light: tuple[float, float, float] | None,
    climb: float,
    sway: float,
) -> tuple[Any, Any, Any]:
    """Centres and widths of three clouds, of which the first ``number`` stand clear of all else in the sky.

    ``light`` is the light's place and radius, ``climb`` the way it goes up or down, ``sway`` how far
    clouds go to either side.
    """
    width = lots.uniform(0.34, 0.44, 3)
    # Most skies have room enough for the first tries; a full one needs luck.
    for tries in (40, 2000):
        x = lots.uniform(-0.80 + sway / 2, 0.80 - sway / 2, (tries, 3))
        y = lots.uniform(-0.85, -0.41, (tries, 3))
        clear = np.full(tries, 1.0)
        for one in range(number):
            for other in range(one):
                aside = np.abs(x[:, one] - x[:, other]) - (width[one] + width[other]) / 2
                above = np.abs(y[:, one] - y[:, other]) - (width[one] + width[other]) * CLOUD_HEIGHT / 2
                clear = np.minimum(clear, np.maximum(aside, above))
            if light is not None:
                light_x, light_y, radius = light
                aside = np.abs(x[:, one] - light_x) - sway
                above = np.maximum(light_y - y[:, one], y[:, one] - light_y - climb)
                above -= width[one] * CLOUD_HEIGHT / 2
                clear = np.minimum(clear, np.maximum(aside - width[one] / 2, above) - radius)
        # The first try that leaves enough room, or else the one that leaves most.
        best = int(np.argmax(np.minimum(clear, CLOUDS_APART)))
        if clear[best] >= CLOUDS_APART:
            break
    return x[best], y[best], width


def _place_trees(
    lots: np.random.Generator, number: int, *, landmark: tuple[float, float] | None, edge: float
) -> tuple[Any, Any]:
    """Places and heights of three trees, of which the first ``number`` are apart from all else.

    ``landmark`` is its place and half its width, ``edge`` where the picture ends.
    """
    height = lots.uniform(0.48, 0.60, 3)
    rooms = [(-edge, edge)]
    if landmark is not None:
        place, half = landmark
        rooms = [(-edge, place - half - TREES_APART), (place + half + TREES_APART, edge)]
    free = np.array([high - low for low, high in rooms])
    lot = lots.uniform(0.6, 1.0, (3, len(rooms)))
    room = np.zeros(3, int)
    for one in range(number):
        room[one] = np.argmax(free * lot[one])
        free[room[one]] -= height[one] * TREE_WIDTH + TREES_APART
    # A room that is too small makes all trees smaller.
    free += TREES_APART
    taken = np.array([height[:number][room[:number] == one].sum() * TREE_WIDTH for one in range(len(rooms))])
    height *= min([1.0, *((full + left) / full for full, left in zip(taken, free, strict=True) if left < 0)])
    x = np.zeros(3)
    for index, (low, high) in enumerate(rooms):
        inside = np.flatnonzero(room[:number] == index)
        widths = height[inside] * TREE_WIDTH
        spare = high - low - widths.sum() - TREES_APART * (len(inside) - 1)
        starts = low + np.cumsum(widths + TREES_APART) - widths - TREES_APART
        x[inside] = starts + widths / 2 + np.sort(lots.uniform(0, 1, len(inside))) * spare
    return x, height


def paint(packed: Packed, view: View, when: float | torch.Tensor = 0.0) -> torch.Tensor:
    """The pictures, B×3×H×W, from 0 to 1.

    ``when`` is the progress of the clip, 0 to 1: one for all pictures, or one for each (B).
    """
    if isinstance(when, torch.Tensor):
        when = when.reshape(-1, 1, 1)
    p, x, y = packed, view.x, view.y
    wide, high = view.half_width, view.half_height
    # Taller pictures have taller mountains and deeper foregrounds, but not in full measure.
    tall = (1 + high) / 2
    near = p.pan * (when - 0.5) * wide
    horizon = p.horizon * high

    down = ((y + high) / (horizon + high)).clamp(0, 1)
    sky = torch.lerp(p.top[:, :, None, None], p.bottom[:, :, None, None], down[:, None])
    picture = sky.expand(-1, -1, -1, x.shape[-1])
    picture = _paint_light(p, picture, view, when)
    picture = _paint_clouds(
        p, picture, x - (p.drift * wide + p.pan * PARALLAX_CLOUDS * wide) * (when - 0.5), view
    )
    picture = _paint_ridges(p, picture, near, horizon, tall, view)
    picture = _paint_ground(p, picture, near, horizon, view, when)
    picture = _paint_landmark(p, picture, near, horizon, tall, view)
    picture = _paint_trees(p, picture, near, horizon, tall, view)
    return _paint_weather(p, picture, view, when).clamp(0, 1)


def _scatter(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor, cell: float, jitter: float) -> Any:
    """An endless scatter of points, one in each square cell.

    Gives the ways across and down from the cell's point, and a number that the cell has by lot, 0 to 1.
    ``jitter`` is how far points stray from the cell's middle, of its size.
    """
    column, row = torch.floor(x / cell), torch.floor(y / cell)
    # Sines of large steps stand in for chance; all machines agree on them far below a pixel.
    lot = torch.sin(column * 12.9 + row * 78.2 + phase)
    other = torch.sin(column * 39.3 + row * 11.1 + phase)
    across = x - (column + 0.5 + jitter * lot) * cell
    down = y - (row + 0.5 + jitter * other) * cell
    return across, down, 0.5 + 0.5 * torch.sin(lot * 9.0 + other * 7.0)


def _paint_light(p: Packed, picture: torch.Tensor, view: View, when: float | torch.Tensor) -> torch.Tensor:
    # What rises ends at its place, what sets begins there.
    lift = (p.climb.clamp(min=0) * (1 - when) - p.climb.clamp(max=0) * when) * (1 + p.horizon)
    x = view.x - p.light_x * view.half_width
    y = view.y - (p.light_y + lift) * view.half_height
    distance = torch.sqrt(x * x + y * y) - p.radius
    glow = 0.55 * torch.exp(-distance.clamp(min=0) / (0.8 * p.radius)) * p.light
    # A smaller disc beside the middle leaves a crescent.
    bite = torch.sqrt((x - 0.5 * p.radius) ** 2 + (y + 0.25 * p.radius) ** 2) - 0.9 * p.radius
    disc = cover(distance, view.pixel) * (1 - p.crescent * cover(bite, view.pixel))
    across, down, size = _scatter(view.x, view.y, p.phase[:, 0], 0.25, 0.4)
    star = cover(across.abs() + down.abs() - (0.010 + 0.010 * size), view.pixel, soft=0.004)
    # None in the dark part of the moon.
    star = star * p.starry * (1 - p.light * cover(distance, view.pixel))
    return over(over(over(picture, p.glow, glow), p.part("star"), star), p.light_colour, disc * p.light)


def _paint_clouds(p: Packed, picture: torch.Tensor, x: torch.Tensor, view: View) -> torch.Tensor:
    for one in range(3):
        width = p.cloud_width[:, one]
        u = (x - p.cloud_x[:, one] * view.half_width) / width
        v = (view.y - p.cloud_y[:, one] * view.half_height) / width
        lobes = p.cloud_lobes[:, one]
        # Three humps on a rounded bar, in a box of 1 by about a half.
        distance = torch.sqrt((u.abs() - 0.37).clamp(min=0) ** 2 + (v - 0.13) ** 2) - 0.125
        for hump, (at, up, radius) in enumerate(((-0.2, 0.03, 0.17), (0.03, -0.06, 0.2), (0.24, 0.05, 0.14))):
            size = radius * lobes[:, hump]
            distance = torch.minimum(distance, torch.sqrt((u - at) ** 2 + (v - up) ** 2) - size)
        shade = 1 - 0.14 * ((v + 0.05) / 0.3).clamp(0, 1)
        mask = cover(distance * width, view.pixel, soft=0.006) * p.clouds[:, one]
        picture = over(picture, p.cloud_colour[:, :, None, None] * shade[:, None], mask)
    return picture


def _triangle(turns: torch.Tensor) -> torch.Tensor:
    """A triangle wave of period 1, from -1 to 1."""
    return 1 - 4 * ((turns - torch.floor(turns)) - 0.5).abs()


def _paint_ridges(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    for layer, (haze, parallax) in enumerate(zip(HAZE, PARALLAX_RIDGES, strict=True)):
        x = view.x - near * parallax
        frequency, phase, weight = p.waves[:, layer].unbind(1)
        sums = (weight * _triangle(x[:, None] * frequency + phase)).sum(1) + p.lows[:, layer]
        height = p.heights[:, layer] * tall
        line = horizon - height * (0.35 + 0.65 * sums)
        mask = cover(line - view.y, view.pixel) * p.mountains
        colour = torch.lerp(p.ridge, p.bottom, haze)
        picture = over(picture, colour, mask)
        if layer >= CAPPED:
            break
        edge = horizon - height * (CAP_FROM + 0.07 * _triangle(x * 7))
        cap = torch.lerp(p.part("cap"), p.bottom, haze * 0.5)
        picture = over(picture, cap, mask * cover(view.y - edge, view.pixel) * p.caps)
    return picture


def _paint_ground(
    p: Packed,
    picture: torch.Tensor,
    near: torch.Tensor,
    horizon: torch.Tensor,
    view: View,
    when: float | torch.Tensor,
) -> torch.Tensor:
    x, y = view.x - near, view.y
    depth = view.half_height - horizon
    first, second = p.phase[:, 1], p.phase[:, 2]
    hills = p.roughness * (torch.sin(2.1 * x + first) + 0.6 * torch.sin(4.7 * x + second))
    land = 1 - ((y - horizon - hills) / 0.35).clamp(0, 1)
    for share, step in ((0.33, 1.9), (0.66, 4.1)):
        crest = (
            horizon
            + share * depth
            + 2.2
            * p.roughness
            * (torch.sin(1.6 * x + first * step) + 0.5 * torch.sin(3.3 * x + second * step))
        )
        land = torch.lerp(land, 1 - ((y - crest) / 0.35).clamp(0, 1), cover(crest - y, view.pixel, soft=0.01))
    far = ((y - horizon) / depth).clamp(0.0001, 1)
    # Waves lie closer towards the horizon.
    turns = 6 * torch.sqrt(far) + 0.12 * torch.sin(3 * x + first) - 2 * when
    wave = 0.5 + 0.5 * torch.sin(_TAU * turns)
    lit = torch.lerp(land, wave * wave, p.sea)
    mask = cover(horizon + hills - y, view.pixel)
    colour = torch.lerp(p.shadow[:, :, None, None], p.ground[:, :, None, None], lit[:, None])
    picture = over(picture, colour, mask)
    across, down, lot = _scatter(x, 1.6 * torch.sqrt(far), first, 0.42, 0.28)
    crest = torch.maximum(across.abs() - (0.05 + 0.05 * lot), down.abs() - 0.016)
    picture = over(picture, p.part("foam"), cover(crest, view.pixel, soft=0.012) * 0.55 * p.sea * mask)
    path = (view.x - p.light_x * view.half_width).abs() - (0.06 + 0.10 * far) * (0.55 + 0.45 * wave)
    glitter = cover(path, view.pixel, soft=0.03) * (0.35 + 0.5 * wave) * p.sea * p.light * mask
    return over(picture, p.light_colour, glitter)


def _span(value: torch.Tensor, low: Any, high: Any) -> torch.Tensor:
    """Distance to the stripe between two numbers."""
    return torch.maximum(low - value, value - high)


def _paint_landmark(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    u = view.x - near - p.landmark_x * view.half_width
    v = horizon + p.landmark_depth * tall - view.y
    side = u.abs()

    def put(part: str, distance: torch.Tensor, presence: torch.Tensor) -> None:
        nonlocal picture
        picture = over(picture, p.part(part), cover(distance, view.pixel) * presence)

    def both(*distances: torch.Tensor) -> torch.Tensor:
        distance = distances[0]
        for other in distances[1:]:
            distance = torch.maximum(distance, other)
        return distance

    house = p.lighthouse
    rock = torch.sqrt((u / 0.2) ** 2 + ((v + 0.02) / 0.075) ** 2) * 0.075 - 0.075
    put("rock", both(rock, -0.035 - v), house * p.sea)
    tower = side - (0.088 - 0.07 * v)
    put("white", both(tower, _span(v, 0.0, 0.38)), house)
    bands = torch.minimum(_span(v, 0.07, 0.145), _span(v, 0.22, 0.295))
    put("red", both(tower, bands), house)
    put("lamp", both(side - 0.042, _span(v, 0.38, 0.46)), house)
    put("dark", both(side - 0.08, _span(v, 0.375, 0.40)), house)
    put("red", both(side - 0.075 * (0.52 - v) / 0.07, _span(v, 0.45, 0.52)), house)

    put("timber", both(side - 0.19, _span(v, 0.0, 0.2)), p.cabin)
    put("roof", both((side - 0.25 * (0.36 - v) / 0.18) * 0.6, _span(v, 0.18, 0.36)), p.cabin)
    put("lamp", both((u - 0.085).abs() - 0.055, _span(v, 0.06, 0.15)), p.cabin)
    put("dark", both((u + 0.085).abs() - 0.045, _span(v, 0.0, 0.14)), p.cabin)

    put("hull", both(side - (0.13 + 0.9 * v), _span(v, 0.0, 0.085)), p.sailboat)
    put("dark", both(side - 0.008, _span(v, 0.08, 0.5)), p.sailboat)
    put("white", both(0.016 - u, (u - 0.016 - 0.2 * (0.5 - v) / 0.39) * 0.85, 0.11 - v), p.sailboat)
    put("white", both(u + 0.016, (-u - 0.016 - 0.15 * (0.42 - v) / 0.31) * 0.85, 0.11 - v), p.sailboat)
    return picture


def _paint_trees(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    for one in range(3):
        size = p.tree_height[:, one]
        u = (view.x - near - p.tree_x[:, one] * view.half_width) / size
        v = (horizon + p.tree_depth[:, one] * tall - view.y) / size
        side = u.abs()
        stem = torch.maximum(side - 0.04, _span(v, 0.0, 0.5))
        picture = over(picture, p.part("trunk"), cover(stem * size, view.pixel) * p.trees[:, one])
        fir = torch.full_like(v, 1.0)
        for bottom, top, half in ((0.12, 0.56, 0.26), (0.34, 0.78, 0.21), (0.56, 1.0, 0.16)):
            slope = (side - half * (top - v) / (top - bottom)) * 0.85
            fir = torch.minimum(fir, torch.maximum(slope, bottom - v))
        crown = torch.sqrt(side * side + (v - 0.73) ** 2) - 0.24
        for across, up, radius in ((0.14, 0.68, 0.14), (0.10, 0.80, 0.15)):
            crown = torch.minimum(crown, torch.sqrt((side - across) ** 2 + (v - up) ** 2) - radius)
        distance = torch.lerp(crown, fir, p.fir)
        shade = 0.88 + 0.2 * v.clamp(0, 1)
        mask = cover(distance * size, view.pixel) * p.trees[:, one]
        picture = over(picture, p.tree[:, :, None, None] * shade[:, None], mask)
    return picture


def _paint_weather(p: Packed, picture: torch.Tensor, view: View, when: float | torch.Tensor) -> torch.Tensor:
    x, y = view.x, view.y
    across, down, lot = _scatter(x + 0.3 * y, y - 1.6 * when, p.phase[:, 3], 0.25, 0.2)
    streak = torch.maximum(across.abs() - 0.008, down.abs() - (0.055 + 0.018 * lot))
    rain = cover(streak, view.pixel, soft=0.003) * 0.9 * p.rain
    across, down, lot = _scatter(x, y - 0.6 * when, p.phase[:, 3], 0.27, 0.4)
    flake = torch.sqrt(across * across + down * down) - (0.016 + 0.007 * lot)
    snow = cover(flake, view.pixel, soft=0.004) * p.snowfall
    return over(over(picture, p.part("rain"), rain), p.part("flake"), snow)
