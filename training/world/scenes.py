"""What can be in a picture: landscapes and still lifes, as plain values.

A scene holds what a caption may speak of. Everything else that shows (the run of a ridge, the place of a
cloud) follows from its ``seed``, so a scene is one picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Time = Literal["day", "sunset", "night"]
Place = Literal["left", "middle", "right"]
Ground = Literal["sea", "snow", "sand", "grass"]
Ridge = Literal["blue", "purple", "brown", "green"]
Tree = Literal["fir", "autumn", "blossom"]
Weather = Literal["clear", "rain", "snowfall"]
Landmark = Literal["lighthouse", "cabin", "sailboat"]
Shape = Literal["sphere", "cube", "cone", "cylinder"]
Colour = Literal["red", "orange", "yellow", "green", "blue", "purple"]
Material = Literal["matte", "shiny"]
Relation = Literal["left of", "right of", "on top of", "in front of"]
Wall = Literal["grey", "beige", "pale blue", "pink"]
Table = Literal["wooden", "white", "dark"]

#: What moves in a video. ``still`` is every picture's.
LandscapeMotion = Literal[
    "still", "light rises", "light sets", "clouds drift left", "clouds drift right", "pan left", "pan right"
]
#: Of a single sphere.
StillLifeMotion = Literal["still", "rolls left", "rolls right", "bounces"]


@dataclass(frozen=True)
class Landscape:
    """A view over ``ground`` to the horizon."""

    time: Time
    light: Place | None
    """Where the sun (by day and at sunset) or the moon (at night) stands; None: out of sight."""
    clouds: int
    """0 to 3, apart from each other and from the light."""
    weather: Weather
    mountains: Ridge | None
    """Their colour; None: a bare horizon."""
    snow_caps: bool
    ground: Ground
    trees: int
    """0 to 3, side by side in front; none in the sea."""
    tree: Tree
    landmark: Landmark | None
    """A sailboat is in the sea, a cabin is not; a lighthouse may stand anywhere, in the sea on a rock."""
    landmark_place: Place
    motion: LandscapeMotion
    seed: int


@dataclass(frozen=True)
class Thing:
    """A solid."""

    shape: Shape
    colour: Colour
    material: Material


@dataclass(frozen=True)
class StillLife:
    """One to four like things in a row, or two different ones, on a table before a wall."""

    things: tuple[Thing, ...]
    """One, shown ``count`` times; or two, of which the first stands in ``relation`` to the second."""
    count: int
    """1 to 4; 1 where there are two things."""
    place: Place
    """Of a single thing."""
    relation: Relation | None
    """Only a cube or a cylinder carries something on top."""
    wall: Wall
    table: Table
    motion: StillLifeMotion
    seed: int


Scene = Landscape | StillLife
