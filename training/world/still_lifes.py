"""Still lifes: simple solids on a table before a wall, lit from the upper left.

Each solid is drawn in its own coordinates: ``u`` to the right from its middle and ``v`` down from its lowest
point, both in its own heights, so it reaches from v = -1 to v = 0.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import get_args

import torch

from training.world.canvas import View, cover, over
from training.world.scenes import Colour, Shape, StillLife, Table, Thing, Wall

RGB = tuple[float, float, float]

#: What colours are before light and shadow: sRGB. Shading scales them or mixes in white, so hues stay.
THING_COLOURS: dict[Colour, RGB] = {
    "red": (0.88, 0.10, 0.13),
    "orange": (0.97, 0.48, 0.05),
    "yellow": (0.98, 0.87, 0.10),
    "green": (0.13, 0.66, 0.24),
    "blue": (0.11, 0.36, 0.90),
    "purple": (0.56, 0.16, 0.78),
}
WALL_COLOURS: dict[Wall, RGB] = {
    "grey": (0.63, 0.63, 0.64),
    "beige": (0.88, 0.80, 0.66),
    "pale blue": (0.69, 0.80, 0.92),
    "pink": (0.93, 0.73, 0.78),
}
TABLE_COLOURS: dict[Table, RGB] = {
    "wooden": (0.54, 0.39, 0.27),
    "white": (0.90, 0.90, 0.89),
    "dark": (0.18, 0.18, 0.20),
}

#: The most things that a still life shows.
MOST = 4

#: Widths of solids, in their heights.
WIDTHS: dict[Shape, float] = {"sphere": 1.0, "cube": 1.0, "cone": 0.84, "cylinder": 0.68}

#: Half the minor axis of an ellipse that lies flat, by half its major axis: how far we look down.
TILT = 0.3

#: A cube's front is this wide and high, in the cube's heights; the rest is depth, drawn at 45 degrees.
FRONT = 0.76

#: How far the middle of a solid's footprint is above its lowest point, in its heights.
FEET: dict[Shape, float] = {
    "sphere": 0.023,
    "cube": (1 - FRONT) / 2,
    "cone": TILT * WIDTHS["cone"] / 2,
    "cylinder": TILT * WIDTHS["cylinder"] / 2,
}

#: Reflections of the light on shiny solids: from (u, v) to (u, v), and how wide to either side.
HIGHLIGHTS: dict[Shape, tuple[float, float, float, float, float]] = {
    "sphere": (-0.22, -0.63, -0.14, -0.71, 0.12),
    "cube": (-0.36, -0.46, -0.22, -0.61, 0.075),
    "cone": (-0.16, -0.32, -0.07, -0.57, 0.06),
    "cylinder": (-0.16, -0.34, -0.16, -0.68, 0.07),
}

#: How far a rolling sphere goes, in half widths of the picture.
ROLL = 0.9

#: How high a bouncing sphere goes, in half the shorter side.
BOUNCE = 0.5


@dataclass(frozen=True)
class Packed:
    """A batch of still lifes as tensors; ``packed[index]`` picks some of them.

    Things are B×4, those further back first. Lengths are in half the shorter side of the picture.
    """

    shape: torch.Tensor
    """Which of ``Shape``."""
    colour: torch.Tensor
    """B×4×3."""
    highlight: torch.Tensor
    """B×4×5: of ``HIGHLIGHTS``; white where the thing is shiny."""
    shiny: torch.Tensor
    """1 or 0."""
    shown: torch.Tensor
    """1, or 0 where there are fewer things."""
    along: torch.Tensor
    """Middle of a thing in half widths of the picture, to which ``x`` is added."""
    x: torch.Tensor
    base: torch.Tensor
    """y of a thing's lowest point."""
    height: torch.Tensor
    width: torch.Tensor
    foot: torch.Tensor
    """How far the middle of a thing's footprint is above its lowest point."""
    shadow: torch.Tensor
    """How dark the thing's shadow on the table is, 0 to 1."""
    rolls: torch.Tensor
    """B: -1 to the left, 1 to the right, 0 not at all."""
    bounces: torch.Tensor
    """B: 1 or 0."""
    wall: torch.Tensor
    """B×3."""
    table: torch.Tensor
    """B×3."""
    edge: torch.Tensor
    """B: y of the table's far edge."""
    grain: torch.Tensor
    """B: how strong the grain of the table's wood is."""
    phase: torch.Tensor
    """B: where the grain begins, 0 to 1."""

    def __getitem__(self, index: torch.Tensor) -> Packed:
        return Packed(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


@dataclass(frozen=True)
class _Placed:
    """A thing in its place."""

    thing: Thing
    base: float
    height: float
    along: float = 0.0
    x: float = 0.0
    shadow: float = 1.0


def pack(scenes: Sequence[StillLife], device: torch.device | str = "cpu") -> Packed:
    """What ``paint`` needs of the scenes."""
    rows = [_row(scene) for scene in scenes]
    return Packed(**{name: torch.tensor([row[name] for row in rows], device=device) for name in rows[0]})


def paint(packed: Packed, view: View, when: float | torch.Tensor = 0.0) -> torch.Tensor:
    """The pictures, B×3×H×W; ``when`` is the progress of the clip, 0 to 1."""
    progress = torch.as_tensor(when, dtype=torch.float32, device=packed.x.device)
    # From the height of the first fall through two whole bounces, each a parabola.
    bounce = torch.remainder(2.5 * progress + 0.5, 1.0)
    lift = (BOUNCE * 4 * bounce * (1 - bounce)) * packed.bounces
    roll = ROLL * (progress - 0.5) * packed.rolls
    middle = (packed.along + roll[:, None]) * view.half_width + packed.x
    picture = _room(packed, view)
    for index in range(MOST):
        picture = _shadow(picture, packed, index, middle[:, index], lift, view)
    for index in range(MOST):
        picture = _thing(picture, packed, index, middle[:, index], lift, view)
    return picture.clamp(0, 1)


def _row(scene: StillLife) -> dict[str, object]:
    lots = random.Random(scene.seed)
    edge = lots.uniform(0.06, 0.14)
    phase = lots.random()
    placed = _places(scene, lots)
    spare = [_Placed(scene.things[0], 0.0, 1.0, shadow=0.0)] * (MOST - len(placed))
    every = placed + spare
    shapes = get_args(Shape)
    return {
        "shape": [shapes.index(one.thing.shape) for one in every],
        "colour": [THING_COLOURS[one.thing.colour] for one in every],
        "highlight": [HIGHLIGHTS[one.thing.shape] for one in every],
        "shiny": [float(one.thing.material == "shiny") for one in every],
        "shown": [float(index < len(placed)) for index in range(MOST)],
        "along": [one.along for one in every],
        "x": [one.x for one in every],
        "base": [one.base for one in every],
        "height": [one.height for one in every],
        "width": [one.height * WIDTHS[one.thing.shape] for one in every],
        "foot": [one.height * FEET[one.thing.shape] for one in every],
        "shadow": [one.shadow for one in every],
        "rolls": {"rolls left": -1.0, "rolls right": 1.0}.get(scene.motion, 0.0),
        "bounces": float(scene.motion == "bounces"),
        "wall": WALL_COLOURS[scene.wall],
        "table": TABLE_COLOURS[scene.table],
        "edge": edge,
        "grain": float(scene.table == "wooden"),
        "phase": phase,
    }


def _places(scene: StillLife, lots: random.Random) -> list[_Placed]:
    """Where the things stand, those further back first."""
    if scene.relation is not None:
        return _pair(scene, lots)
    if scene.count > 1:
        return _in_a_row(scene.things[0], scene.count, lots)
    thing = scene.things[0]
    height, base = lots.uniform(0.55, 0.75), lots.uniform(0.4, 0.55)
    if scene.motion != "still":
        height = lots.uniform(0.5, 0.6)
    if scene.motion in ("rolls left", "rolls right"):
        return [_Placed(thing, base, height)]
    along = {"left": -0.5, "middle": 0.0, "right": 0.5}[scene.place]
    return [_Placed(thing, base, height, along, lots.uniform(-0.05, 0.05))]


def _in_a_row(thing: Thing, count: int, lots: random.Random) -> list[_Placed]:
    room, gap = 1.84, 0.1
    width = min(WIDTHS[thing.shape] * lots.uniform(0.55, 0.68), (room - gap * (count - 1)) / count)
    gap = min((room - width * count) / (count - 1), lots.uniform(gap, 0.24))
    base = lots.uniform(0.42, 0.52)
    left = -(width * count + gap * (count - 1)) / 2 + width / 2
    return [
        _Placed(
            thing,
            base + lots.uniform(-0.03, 0.03),
            width / WIDTHS[thing.shape],
            x=left + index * (width + gap),
        )
        for index in range(count)
    ]


def _pair(scene: StillLife, lots: random.Random) -> list[_Placed]:
    first, second = scene.things
    if scene.relation == "on top of":
        width = lots.uniform(0.48, 0.54) if second.shape == "cylinder" else lots.uniform(0.6, 0.66)
        height = width / WIDTHS[second.shape]
        base, x = lots.uniform(0.58, 0.68), lots.uniform(-0.1, 0.1)
        # Rather smaller than what carries it; a sphere touches it only in one point.
        most = 1.0 if first.shape == "sphere" else 0.85
        above = min(0.5, width * lots.uniform(most - 0.1, most) / WIDTHS[first.shape])
        top = base - height * (1 - FEET[second.shape])
        return [
            _Placed(second, base, height, x=x),
            _Placed(first, top + above * FEET[first.shape], above, x=x, shadow=0.0),
        ]
    if scene.relation == "in front of":
        far, near = lots.uniform(0.58, 0.66), lots.uniform(0.64, 0.7)
        # Cones are narrow where things meet them.
        widths = far * {**WIDTHS, "cone": 0.7}[second.shape] + near * {**WIDTHS, "cone": 0.55}[first.shape]
        # On the left it would hide the highlight of what is behind it.
        direction = 1 if second.material == "shiny" else lots.choice((-1, 1))
        side = direction * widths * lots.uniform(0.29, 0.34) / 2
        base = lots.uniform(0.27, 0.33)
        return [
            _Placed(second, base, far, x=-side),
            _Placed(first, base + lots.uniform(0.22, 0.28), near, x=side),
        ]
    sides = (-1, 1) if scene.relation == "left of" else (1, -1)
    return [
        _Placed(
            thing,
            lots.uniform(0.4, 0.5),
            lots.uniform(0.54, 0.66),
            x=side * lots.uniform(0.42, 0.5),
        )
        for thing, side in zip(scene.things, sides, strict=True)
    ]


def _room(packed: Packed, view: View) -> torch.Tensor:
    """The wall and the table, B×3×H×W."""
    x, y = view.x / view.half_width, view.y
    edge = packed.edge[:, None, None]
    light = 1.0 - 0.05 * x - 0.04 * y / view.half_height
    wall = packed.wall[:, :, None, None] * light[:, None]
    depth = (y - edge) / (view.half_height - edge)
    phase = 6.28 * packed.phase[:, None, None]
    # Bands along the table, wider towards us, that wander a little.
    run = 26 * torch.sqrt(depth.clamp(min=0) + 0.1)
    bands = torch.sin(run + 0.5 * torch.sin(2 * view.x + phase) + phase)
    surface = 0.94 + 0.1 * depth - 0.04 * x + 0.07 * packed.grain[:, None, None] * bands
    table = packed.table[:, :, None, None] * surface[:, None]
    return over(wall, table, cover(edge - y, view.pixel).expand_as(surface))


def _shadow(
    picture: torch.Tensor, packed: Packed, index: int, middle: torch.Tensor, lift: torch.Tensor, view: View
) -> torch.Tensor:
    width, foot = packed.width[:, index], packed.foot[:, index]
    # The higher a sphere, the smaller and fainter its shadow.
    left = 1 - 0.9 * lift
    across, deep = (0.62 * width * left)[:, None, None], ((foot + 0.06) * left)[:, None, None]
    u = (view.x - (middle + 0.2 * width)[:, None, None]) / across
    v = (view.y - (packed.base[:, index] - foot)[:, None, None]) / deep
    mask = ((1 - torch.sqrt(u * u + v * v)) * 2).clamp(0, 1)
    mask = mask * cover(packed.edge[:, None, None] - view.y, view.pixel)
    strength = 0.45 * packed.shadow[:, index] * left
    return picture * (1 - strength[:, None, None] * mask)[:, None]


def _thing(
    picture: torch.Tensor, packed: Packed, index: int, middle: torch.Tensor, lift: torch.Tensor, view: View
) -> torch.Tensor:
    shape = packed.shape[:, index, None, None]
    height = packed.height[:, index, None, None]
    u = (view.x - middle[:, None, None]) / height
    v = (view.y - (packed.base[:, index] - lift)[:, None, None]) / height
    fine = view.pixel / height
    distance, light = _sphere(u, v)
    solids = _cube(u, v, fine), _cone(u, v), _cylinder(u, v, fine)
    for number, (its_distance, its_light) in enumerate(solids, start=1):
        distance = torch.where(shape == number, its_distance, distance)
        light = torch.where(shape == number, its_light, light)
    shiny = packed.shiny[:, index, None, None]
    highlight = _stripe(u, v, packed.highlight[:, index, :, None, None])
    rim = ((distance + 0.06) / 0.06).clamp(0, 1) * (3 * u).clamp(0, 1)
    white = (light - 1).clamp(0, 1)
    white = torch.maximum(white, shiny * torch.maximum(0.3 * rim, highlight))
    colour = packed.colour[:, index, :, None, None] * light.clamp(0, 1)[:, None]
    colour = torch.lerp(colour, torch.ones_like(colour), white[:, None])
    mask = cover(distance / fine, 1.0) * packed.shown[:, index, None, None]
    return over(picture, colour, mask)


def _stripe(u: torch.Tensor, v: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """How much of the light a stripe with round ends reflects, 0 to 1; full inside and soft around it."""
    from_u, from_v, to_u, to_v, width = ends.unbind(1)
    run, rise = to_u - from_u, to_v - from_v
    part = (((u - from_u) * run + (v - from_v) * rise) / (run * run + rise * rise)).clamp(0, 1)
    distance = torch.sqrt((u - from_u - part * run) ** 2 + (v - from_v - part * rise) ** 2)
    return (1 - (distance - width) / 0.04).clamp(0, 1)


def _ellipse(u: torch.Tensor, v: torch.Tensor, across: float) -> torch.Tensor:
    """About the distance from an ellipse that lies flat; ``across`` is half its major axis."""
    deep = TILT * across
    near = torch.sqrt((u / across) ** 2 + (v / deep) ** 2)
    slope = torch.sqrt((u / across**2) ** 2 + (v / deep**2) ** 2)
    return near * (near - 1) / (slope + 1e-6)


def _round_light(across: torch.Tensor) -> torch.Tensor:
    """Light on an upright round wall; ``across`` is -1 at its left and 1 at its right."""
    across = across.clamp(-1, 1)
    return (0.52 - 0.33 * across + 0.46 * torch.sqrt(1 - across * across)).clamp(0.42, 1.05)


def _sphere(u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    across, down = 2 * u, 2 * v + 1
    square = across * across + down * down
    towards_us = torch.sqrt((1 - square).clamp(min=0))
    light = 0.45 + 0.6 * (-0.5 * across - 0.6 * down + 0.62 * towards_us).clamp(min=0)
    return (torch.sqrt(square) - 1) / 2, light


def _cube(u: torch.Tensor, v: torch.Tensor, fine: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    # From the front's right and upper edge.
    right, down = u + 0.5 - FRONT, v + FRONT
    upright = torch.maximum(u.abs() - 0.5, (v + 0.5).abs() - 0.5)
    slanted = torch.maximum(-(u + 0.5) - down, right + v) / 2**0.5
    front = cover(torch.maximum(right, -down) / fine, 1.0)
    top = cover((right + down) / 2**0.5 / fine, 1.0)
    return torch.maximum(upright, slanted), torch.lerp(0.55 + 0.6 * top, torch.full_like(top, 0.87), front)


def _cone(u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    across = WIDTHS["cone"] / 2
    deep = TILT * across
    tall = 1 - deep
    # The sides touch the ellipse of the base a little above its middle.
    slope = across / (tall**2 - deep**2) ** 0.5
    side = (u.abs() - slope * (v + 1)) / (1 + slope**2) ** 0.5
    base = _ellipse(u, v + deep, across)
    distance = torch.where(v + deep < -(deep**2) / tall, side, base)
    return distance, _round_light(u / (slope * (v + 1)).clamp(min=1e-3))


def _cylinder(u: torch.Tensor, v: torch.Tensor, fine: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    across = WIDTHS["cylinder"] / 2
    deep = TILT * across
    lid = _ellipse(u, v + 1 - deep, across)
    base = _ellipse(u, v + deep, across)
    distance = torch.where(v + 0.5 < deep - 0.5, lid, torch.where(v < -deep, u.abs() - across, base))
    light = _round_light(u / across)
    return distance, torch.lerp(light.expand_as(lid), torch.full_like(lid, 1.15), cover(lid / fine, 1.0))
