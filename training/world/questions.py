"""What can be asked of a caption: whoever can answer has understood it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from training.world import scenes
from training.world.captions import Claim

#: Answers by question. One more, the first, is that the caption does not say.
QUESTIONS: dict[str, tuple[object, ...]] = {
    "time": get_args(scenes.Time),
    "light": get_args(scenes.Place),
    "clouds": (0, 1, 2, 3),
    "weather": ("rain", "snowfall"),
    "mountains": get_args(scenes.Ridge),
    "ground": get_args(scenes.Ground),
    "trees": (1, 2, 3),
    "tree": get_args(scenes.Tree),
    "landmark": get_args(scenes.Landmark),
    "landmark place": get_args(scenes.Place),
    "motion": (*get_args(scenes.LandscapeMotion)[1:], *get_args(scenes.StillLifeMotion)[1:]),
    "count": (1, 2, 3, 4),
    "place": get_args(scenes.Place),
    "wall": get_args(scenes.Wall),
    "table": get_args(scenes.Table),
    "relation": ("left of", "on top of", "in front of"),
    **{
        f"{about} {thing}": values
        for thing in (0, 1)
        for about, values in (
            ("colour", get_args(scenes.Colour)),
            ("shape", get_args(scenes.Shape)),
            ("material", get_args(scenes.Material)),
        )
    },
}

OF_THINGS = {"colour", "shape", "material"}


def answers(claims: Iterable[Claim]) -> list[int]:
    """For each question which of its answers the claims give, from 1 on, or 0.

    Of two things the first is the one on the left, on top or in front, whichever the caption begins with.
    """
    said = {(claim.about, claim.thing): claim.value for claim in claims}
    if ("colour", 0) in said and ("relation", 0) not in said:
        # Of a thing by itself the claims do not always count it, but every text does.
        said.setdefault(("count", 0), 1)
    if mirrored := said.get(("relation", 0)) == "right of":
        said["relation", 0] = "left of"
    found = dict.fromkeys(QUESTIONS, 0)
    for (about, thing), value in said.items():
        name = f"{about} {thing ^ mirrored}" if about in OF_THINGS else about
        found[name] = 1 + QUESTIONS[name].index(value)
    return list(found.values())
