"""Where everything in a landscape stands, as tensors that are ready to be painted.

Positions across are shares of half the width, positions down of half the height, and sizes are in units of
the canvas, half the shorter side. So what stands apart in a square picture does so in every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from training.world.landscape_colours import (
    CLOUDS,
    GLOWS,
    LIGHTS,
    PART_INDEX,
    PARTS,
    SHINING,
    ground_colour,
    ridge_colour,
    sky_colours,
    tinted,
    tree_colour,
)
from training.world.scenes import Landscape, Place

LIGHT_AT: dict[Place, float] = {"left": -0.55, "middle": 0.0, "right": 0.55}
LANDMARK_AT: dict[Place, float] = {"left": -0.5, "middle": 0.0, "right": 0.5}
#: What is clear between clouds and around the light, and between trees, at least. Where clouds move, the
#: light may have less around it, but no cloud touches it.
CLOUDS_APART, TREES_APART = 0.10, 0.06
CLOUD_WIDTHS = (0.34, 0.44)
#: Of the width.
CLOUD_HEIGHT = 0.54
#: Where clouds are, alternately.
CLOUD_ROWS = (-0.83, -0.43)
#: Of the height.
TREE_WIDTH = 0.56
#: How far the light rises or sets, of the sky's height.
CLIMB = 0.45
#: How far clouds drift and the foreground pans, of half the width.
DRIFT, PAN = 0.35, 0.3
#: How much of the foreground's way the clouds go in a pan.
PARALLAX_CLOUDS = 0.15

#: Where ridges are looked at: as far as the widest pan.
_ACROSS = np.linspace(-2.5, 2.5, 101)


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
        return self.parts[:, PART_INDEX[name]]

    def __len__(self) -> int:
        return self.top.shape[0]

    def __getitem__(self, index: Any) -> Packed:
        """Some of the scenes; ``index`` is a slice, or a tensor of indices or of booleans."""
        return Packed(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


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
        light=None if scene.light is None else (light_x, radius),
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
        "phase": _number(lots.uniform(0, 2 * np.pi, 4)),
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
    lots: np.random.Generator, number: int, *, light: tuple[float, float] | None, sway: float
) -> tuple[Any, Any, Any]:
    """Centres and widths of three clouds, of which the first ``number`` stand clear of all else in the sky.

    They share the width beside the light, alternately high and low. ``light`` is the light's place across and
    its radius, ``sway`` how far clouds go to either side.
    """
    width = lots.uniform(*CLOUD_WIDTHS, 3)
    edge = 0.80 - sway / 2
    share = _spread(lots, number)
    x = (2 * share - 1) * edge
    if light is not None:
        place, radius = light
        apart = radius + CLOUD_WIDTHS[1] / 2 + CLOUDS_APART + sway
        if abs(place) < LIGHT_AT["right"] / 2:
            # There is room on either side, for clouds that go far too, if only they come a little nearer.
            left = -edge + 2 * share * max(0.05, place - apart + edge)
            right = edge - 2 * (1 - share) * max(0.05, edge - place - apart)
            x = np.where(share < 0.5, left, right)
        elif place < 0:
            x = edge - (1 - share) * (edge - place - apart)
        else:
            x = -edge + share * (place - apart + edge)
    # Of three, the first and the last are equally high; too little room makes them smaller.
    if number == 3:
        width = np.minimum(width, x[2] - x[0] - CLOUDS_APART)
    y = np.array(CLOUD_ROWS)[(np.arange(3) + lots.integers(2)) % 2] + lots.uniform(-0.02, 0.02, 3)
    return x, y, width


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
        x[inside] = starts + widths / 2 + _spread(lots, len(inside))[: len(inside)] * spare
    return x, height


def _spread(lots: np.random.Generator, number: int) -> Any:
    """Places of three things from 0 to 1, of which the first ``number`` share the way between them.

    The more there are, the less each strays from its place. Where things may be anywhere, a small model
    does not learn how many there are: nothing that it paints in one place follows from their number alone.
    """
    parts = max(number, 1)
    strays = lots.uniform(-0.5, 0.5, 3) / parts**2
    return (np.arange(3) % parts + 0.5 + strays) / parts
