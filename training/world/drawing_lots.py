"""Draws scenes by lot."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, get_args

from training.world.combinations import held_out
from training.world.scenes import (
    Colour,
    Ground,
    Landmark,
    Landscape,
    LandscapeMotion,
    Material,
    Place,
    Relation,
    Ridge,
    Scene,
    Shape,
    StillLife,
    StillLifeMotion,
    Table,
    Thing,
    Time,
    Tree,
    Wall,
    Weather,
)

WEATHERS: tuple[Weather, ...] = get_args(Weather)

#: A landscape's landmark by its ground.
LANDMARKS: dict[Ground, tuple[Landmark, ...]] = {
    "sea": ("sailboat", "lighthouse"),
    "snow": ("cabin", "lighthouse"),
    "sand": ("cabin", "lighthouse"),
    "grass": ("cabin", "lighthouse"),
}


def scenes(seed: int, *, unseen: bool = False, moving: bool = False) -> Iterator[Scene]:
    """Endless scenes, half of them landscapes; the same ones for the same arguments.

    ``unseen``: each has a combination that training never shows; otherwise none has. ``moving``: three
    of four move; otherwise none does.
    """
    lots = random.Random(f"scenes:{seed}:{unseen}:{moving}")
    while True:
        # Drawn before the combinations are looked at, so that both kinds stay equally frequent.
        draw = lots.choice((landscape, still_life))
        while held_out(scene := draw(lots, moving=moving)) != unseen:
            pass
        yield scene


def landscape(lots: random.Random, *, moving: bool = False) -> Landscape:
    time = _any(lots, Time)
    ground = _any(lots, Ground)
    motion: LandscapeMotion = _motion(lots, LandscapeMotion) if moving else "still"
    weather: Weather = lots.choices(WEATHERS, (4, 1, 1))[0]
    light = None if lots.random() < 0.25 else _any(lots, Place)
    clouds = lots.choices((0, 1, 2, 3), (2, 2, 2, 1))[0]
    if motion.startswith("light"):
        light = light or _any(lots, Place)
    if motion.startswith("clouds"):
        clouds = clouds or lots.randint(1, 3)
    trees = 0 if ground == "sea" else lots.choices((0, 1, 2, 3), (2, 1, 1, 1))[0]
    mountains = None if lots.random() < 0.25 else _any(lots, Ridge)
    return Landscape(
        time=time,
        light=light,
        clouds=clouds,
        weather=weather,
        mountains=mountains,
        snow_caps=mountains is not None and lots.random() < 0.4,
        ground=ground,
        trees=trees,
        tree=_any(lots, Tree),
        landmark=lots.choice(LANDMARKS[ground]) if lots.random() < 0.4 else None,
        landmark_place=_any(lots, Place),
        motion=motion,
        seed=lots.getrandbits(32),
    )


def still_life(lots: random.Random, *, moving: bool = False) -> StillLife:
    first, second = _thing(lots), _thing(lots)
    count, relation = 1, None
    motion: StillLifeMotion = _motion(lots, StillLifeMotion) if moving else "still"
    kind = "single" if motion != "still" else lots.choice(("single", "row", "pair", "pair"))
    if motion != "still":
        first = Thing("sphere", first.colour, first.material)
    if kind == "row":
        count = lots.randint(2, 4)
    things: tuple[Thing, ...] = (first,)
    if kind == "pair":
        relation = _any(lots, Relation)
        while second.colour == first.colour:
            second = _thing(lots)
        if relation == "on top of":
            second = Thing(lots.choice(("cube", "cylinder")), second.colour, second.material)
        things = (first, second)
    return StillLife(
        things=things,
        count=count,
        place=_any(lots, Place),
        relation=relation,
        wall=_any(lots, Wall),
        table=_any(lots, Table),
        motion=motion,
        seed=lots.getrandbits(32),
    )


def _thing(lots: random.Random) -> Thing:
    return Thing(_any(lots, Shape), _any(lots, Colour), _any(lots, Material))


def _motion(lots: random.Random, kinds: Any) -> Any:
    still, *others = get_args(kinds)
    return still if lots.random() < 0.25 else lots.choice(others)


def _any(lots: random.Random, kinds: Any) -> Any:
    return lots.choice(get_args(kinds))
