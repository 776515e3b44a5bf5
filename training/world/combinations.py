"""Combinations that training never shows, so that an evaluation can ask for them."""

from __future__ import annotations

from collections.abc import Iterable

from training.world.captions import About, Claim
from training.world.scenes import Landscape, Scene

#: Classes of attribute whose values are held out in pairs, beside colour and shape.
NAMED_BY: tuple[tuple[About, About], ...] = (
    ("time", "ground"),
    ("mountains", "ground"),
    ("tree", "ground"),
    ("colour", "motion"),
    ("time", "motion"),
)

#: Colour and shape of a thing. Each colour and each shape is seen with others.
THINGS = {
    ("red", "cone"),
    ("green", "cylinder"),
    ("blue", "sphere"),
    ("yellow", "cube"),
    ("purple", "cone"),
}

#: Time and ground.
TIMES = {("night", "sand"), ("sunset", "snow")}

#: Mountains and ground.
RIDGES = {("green", "snow"), ("purple", "grass"), ("brown", "sea"), ("blue", "sand")}

#: Kind of tree and ground. Of nine pairs two, which is as much as of the others: with one more, a third of
#: them, no ground was seen with all trees, and none of the pairs was painted when all else was.
TREES = {("blossom", "snow"), ("fir", "sand")}

#: In videos: colour and motion of a sphere, time and motion of a landscape.
MOTIONS = {
    ("red", "rolls left"),
    ("purple", "rolls right"),
    ("yellow", "bounces"),
    ("night", "pan left"),
    ("sunset", "clouds drift right"),
    ("day", "light sets"),
}


def held_out(scene: Scene) -> bool:
    """Whether the scene has a combination that training never shows."""
    if isinstance(scene, Landscape):
        return (
            (scene.time, scene.ground) in TIMES
            or (scene.mountains, scene.ground) in RIDGES
            or (scene.trees > 0 and (scene.tree, scene.ground) in TREES)
            or (scene.time, scene.motion) in MOTIONS
        )
    return (scene.things[0].colour, scene.motion) in MOTIONS or any(
        (thing.colour, thing.shape) in THINGS for thing in scene.things
    )


def named(claims: Iterable[Claim]) -> bool:
    """Whether the claims of a caption name a combination that training never shows."""
    said = {(claim.about, claim.thing): claim.value for claim in claims}
    pairs = {(said.get((one, 0)), said.get((other, 0))) for one, other in NAMED_BY}
    things = {(said.get(("colour", index)), said.get(("shape", index))) for index in (0, 1)}
    return bool(things & THINGS or pairs & (TIMES | RIDGES | TREES | MOTIONS))
