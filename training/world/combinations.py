"""Combinations that training never shows, so that an evaluation can ask for them."""

from __future__ import annotations

from training.world.scenes import Landscape, Scene

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

#: Kind of tree and ground.
TREES = {("blossom", "snow"), ("fir", "sand"), ("autumn", "grass")}


def held_out(scene: Scene) -> bool:
    """Whether the scene has a combination that training never shows."""
    if isinstance(scene, Landscape):
        return (
            (scene.time, scene.ground) in TIMES
            or (scene.mountains, scene.ground) in RIDGES
            or (scene.trees > 0 and (scene.tree, scene.ground) in TREES)
        )
    return any((thing.colour, thing.shape) in THINGS for thing in scene.things)
