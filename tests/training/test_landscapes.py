"""Landscapes show what their scenes say."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from scipy import ndimage

from training.world import drawing_lots, landscape_colours, landscapes
from training.world.canvas import whole, window
from training.world.scenes import Ground, Landmark, Landscape, LandscapeMotion, Place, Ridge, Time, Tree

PLAIN = Landscape(
    time="day",
    light=None,
    clouds=0,
    weather="clear",
    mountains=None,
    snow_caps=False,
    ground="grass",
    trees=0,
    tree="fir",
    landmark=None,
    landmark_place="middle",
    motion="still",
    seed=1,
)


def some(number: int, seed: int = 0, *, moving: bool = False) -> list[Landscape]:
    lots = random.Random(seed)
    return [drawing_lots.landscape(lots, moving=moving) for _ in range(number)]


def paint(*scenes: Landscape, height: int = 128, width: int = 128, when: float = 0.0) -> Any:
    return landscapes.paint(landscapes.pack(scenes), whole(height, width, "cpu"), when)


def like(picture: Any, colour: landscape_colours.Colour, tolerance: float = 0.1) -> Any:
    """H×W, where the picture has the colour."""
    return ((picture - torch.tensor(colour)[:, None, None]).abs().amax(0) < tolerance).numpy()


def changed(one: Landscape, other: Landscape, **size: Any) -> Any:
    return ((paint(one, **size) - paint(other, **size)).abs().amax((0, 1)) > 0.15).numpy()


def pieces(mask: Any, least: int = 20) -> list[tuple[float, float]]:
    """Centres of a mask's pieces, as shares of height and width."""
    labels, number = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, labels, range(1, number + 1))
    large = [index + 1 for index, size in enumerate(sizes) if size >= least]
    return [
        (row / mask.shape[0], column / mask.shape[1])
        for row, column in ndimage.center_of_mass(mask, labels, large)
    ]


def test_a_scene_is_one_picture_in_every_batch() -> None:
    scenes = some(6)
    together = paint(*scenes)
    assert together.shape == (6, 3, 128, 128)
    assert together.dtype == torch.float32
    assert together.min() >= 0
    assert together.max() <= 1
    for scene, picture in zip(scenes, together, strict=True):
        assert torch.equal(paint(scene)[0], picture)
    packed = landscapes.pack(scenes)
    when = torch.rand(6)
    frames = landscapes.paint(packed, whole(128, 128, "cpu"), when)
    assert torch.allclose(paint(scenes[3], when=float(when[3]))[0], frames[3], atol=1e-5)
    chosen = landscapes.paint(packed[torch.tensor([4, 1])], whole(128, 128, "cpu"))
    assert torch.equal(chosen, together[[4, 1]])


def test_the_composition_is_the_same_at_every_size() -> None:
    small, large = paint(*some(8), height=64, width=64), paint(*some(8), height=192, width=192)
    shrunk = torch.nn.functional.avg_pool2d(large, 3)
    assert (shrunk - small).abs().mean() < 0.01


def test_a_window_is_a_part_of_the_picture() -> None:
    packed = landscapes.pack(some(2))
    corners = torch.tensor([[10, 40], [70, 0]])
    parts = landscapes.paint(packed, window(128, 160, corners, 48, 64))
    pictures = landscapes.paint(packed, whole(128, 160, "cpu"))
    for part, picture, (row, column) in zip(parts, pictures, corners.tolist(), strict=True):
        assert torch.allclose(part, picture[:, row : row + 48, column : column + 64], atol=1e-4)


@pytest.mark.parametrize("time", get_args(Time))
@pytest.mark.parametrize("light", get_args(Place))
def test_the_light_stands_where_the_scene_says(time: Time, light: Place) -> None:
    at = {"left": 0.225, "middle": 0.5, "right": 0.775}[light]
    for height, width in ((128, 128), (96, 170), (170, 96)):
        (picture,) = paint(replace(PLAIN, time=time, light=light, clouds=3), height=height, width=width)
        ((row, column),) = pieces(like(picture, landscape_colours.light_colour(time)), least=60)
        assert column == pytest.approx(at, abs=0.06)
        assert 0.08 < row < 0.35


@pytest.mark.parametrize("time", get_args(Time))
def test_clouds_are_as_many_as_the_scene_says(time: Time) -> None:
    for clouds in range(4):
        for seed in range(3):
            scene = replace(PLAIN, time=time, light="middle", clouds=clouds, seed=seed)
            found = pieces(changed(scene, replace(scene, clouds=0)))
            assert len(found) == clouds
            assert all(row < 0.42 for row, _ in found)


@pytest.mark.parametrize("tree", get_args(Tree))
def test_trees_are_as_many_as_the_scene_says(tree: Tree) -> None:
    for trees in range(4):
        for seed in range(3):
            scene = replace(PLAIN, trees=trees, tree=tree, landmark="cabin", seed=seed)
            assert len(pieces(changed(scene, replace(scene, trees=0)))) == trees


@pytest.mark.parametrize("place", get_args(Place))
def test_the_landmark_stands_where_the_scene_says(place: Place) -> None:
    kinds: dict[Landmark, Ground] = {"lighthouse": "snow", "cabin": "sand", "sailboat": "sea"}
    for kind, ground in kinds.items():
        scene = replace(PLAIN, ground=ground, landmark=kind, landmark_place=place)
        _, columns = changed(scene, replace(scene, landmark=None)).nonzero()
        middle = {"left": 0.25, "middle": 0.5, "right": 0.75}[place]
        assert columns.mean() / 128 == pytest.approx(middle, abs=0.04)


@pytest.mark.parametrize("time", get_args(Time))
def test_ground_and_mountains_keep_their_colours_at_every_time(time: Time) -> None:
    for ground in get_args(Ground):
        (picture,) = paint(replace(PLAIN, time=time, ground=ground))
        mean = picture[:, 100:].mean((1, 2)) - torch.tensor(
            [landscape_colours.ground_colour(g, time) for g in get_args(Ground)]
        )
        assert get_args(Ground)[int(mean.norm(dim=1).argmin())] == ground
    for ridge in get_args(Ridge):
        scene = replace(PLAIN, time=time, mountains=ridge, snow_caps=True, ground="sand")
        assert like(paint(scene)[0], landscape_colours.ridge_colour(ridge, time), 0.02).mean() > 0.04


def test_skies_of_different_times_are_far_apart() -> None:
    tops = paint(*(replace(PLAIN, time=time) for time in get_args(Time)))[:, :, 4].mean(-1)
    assert torch.cdist(tops, tops)[~torch.eye(3, dtype=torch.bool)].min() > 0.4


@pytest.mark.parametrize("weather", ["rain", "snowfall"])
def test_weather_is_all_over_the_picture(weather: Any) -> None:
    scene = replace(PLAIN, time="night", weather=weather)
    (picture,) = paint(scene, height=256, width=256)
    colour = landscape_colours.SHINING["rain" if weather == "rain" else "flake"]
    assert 40 <= len(pieces(like(picture, colour, 0.3), least=6)) <= 80


@pytest.mark.parametrize("motion", get_args(LandscapeMotion))
def test_only_what_the_scene_says_moves(motion: LandscapeMotion) -> None:
    scene = replace(PLAIN, light="middle", clouds=1, landmark="cabin", motion=motion)
    without = {"cloud": replace(scene, clouds=0), "cabin": replace(scene, landmark=None)}
    moved: dict[str, tuple[float, float]] = {}
    for name in ("light", *without):
        centres = []
        for when in (0.2, 0.8):
            if name == "light":
                (centre,) = pieces(like(paint(scene, when=when)[0], landscape_colours.light_colour("day")))
            else:
                rows, columns = changed(scene, without[name], when=when).nonzero()
                centre = (rows.mean() / 128, columns.mean() / 128)
            centres.append(centre)
        moved[name] = (centres[1][0] - centres[0][0], centres[1][1] - centres[0][1])
    down = {"light rises": -0.16, "light sets": 0.16}.get(motion, 0.0)
    drift = {"clouds drift left": -0.105, "clouds drift right": 0.105}.get(motion, 0.0)
    # The camera turns, and all goes the other way.
    pan = {"pan left": 0.09, "pan right": -0.09}.get(motion, 0.0)
    assert moved["light"] == pytest.approx((down, 0.0), abs=0.03)
    assert moved["cloud"] == pytest.approx((0.0, drift), abs=0.02)
    assert moved["cabin"] == pytest.approx((0.0, pan), abs=0.01)
