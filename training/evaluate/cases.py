"""Prompts to evaluate with: captions of scenes with combinations that training never showed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.world.captions import Caption, describe
from training.world.combinations import named
from training.world.drawing_lots import scenes
from training.world.scenes import Scene


@dataclass(frozen=True)
class Case:
    scene: Scene
    caption: Caption
    seed: int
    """Of the noise from which its picture is painted."""


def draw_cases(seed: int, count: int, *, moving: bool = False) -> list[Case]:
    """The same ones for the same arguments; the first of many are those of few."""
    lots = random.Random(f"cases:{seed}:{moving}")
    return [
        Case(scene, _describe(scene, lots), lots.getrandbits(31))
        for scene in itertools.islice(scenes(seed, unseen=True, moving=moving), count)
    ]


def _describe(scene: Scene, lots: random.Random) -> Caption:
    """A caption that names what training never showed, and not only of a scene that has it."""
    while not named((caption := describe(scene, lots)).claims):
        pass
    return caption


def shuffled(cases: Sequence[Case]) -> list[Case]:
    """For each case another one of the same kind of scene, or itself where there is no other."""
    others = list(cases)
    for kind in {type(case.scene) for case in cases}:
        places = [index for index, case in enumerate(cases) if isinstance(case.scene, kind)]
        for place, other in zip(places, places[1:] + places[:1], strict=True):
            others[place] = cases[other]
    return others
