"""What training never shows, it shows nowhere, and evaluations ask for all of it."""

from __future__ import annotations

from itertools import islice
from typing import get_args

import pytest

from training.world.captions import Claim
from training.world.combinations import MOTIONS, RIDGES, THINGS, TIMES, TREES, held_out, named
from training.world.drawing_lots import scenes
from training.world.scenes import Colour, Landscape, Shape, StillLife


@pytest.mark.parametrize("moving", [False, True])
def test_training_sees_no_held_out_combination_and_evaluation_one_in_each_scene(moving: bool) -> None:
    assert not any(map(held_out, islice(scenes(1, moving=moving), 1000)))
    assert all(map(held_out, islice(scenes(1, unseen=True, moving=moving), 1000)))


def test_every_colour_and_shape_of_a_held_out_pair_is_seen_with_others() -> None:
    for index, kinds in enumerate((get_args(Colour), get_args(Shape))):
        others = dict.fromkeys(kinds, 0)
        for colour in get_args(Colour):
            for shape in get_args(Shape):
                others[(colour, shape)[index]] += (colour, shape) not in THINGS
        assert min(others.values()) >= 2


def test_every_held_out_pair_is_asked_for() -> None:
    found: set[tuple[str | None, str]] = set()
    for scene in islice(scenes(2, unseen=True, moving=True), 3000):
        if isinstance(scene, Landscape):
            found |= {(scene.time, scene.ground), (scene.mountains, scene.ground), (scene.time, scene.motion)}
            found |= {(scene.tree, scene.ground)} if scene.trees else set()
        elif isinstance(scene, StillLife):
            found |= {(thing.colour, thing.shape) for thing in scene.things}
            found |= {(scene.things[0].colour, scene.motion)}
    assert found >= THINGS | TIMES | RIDGES | TREES | MOTIONS


def test_a_caption_names_a_pair_only_if_it_names_both() -> None:
    night, sand = Claim("time", "night"), Claim("ground", "sand")
    assert named((night, sand))
    assert not named((night,))
    assert not named((night, Claim("ground", "sea")))
    assert named((Claim("colour", "red", 1), Claim("shape", "cone", 1)))
    assert not named((Claim("colour", "red", 0), Claim("shape", "cone", 1)))
