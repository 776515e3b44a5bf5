"""What is measured on a picture is what was painted, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from training.measure import holds, holds_video
from training.measure.picture import dilated, eroded, filled, opened
from training.world.captions import Claim, describe
from training.world.drawing_lots import scenes
from training.world.preview import to_image
from training.world.render import render
from training.world.scenes import (
    Landscape,
    LandscapeMotion,
    Scene,
    StillLife,
    StillLifeMotion,
    Thing,
    Weather,
)

LANDSCAPE = Landscape(
    time="day",
    light="left",
    clouds=2,
    weather="clear",
    mountains="purple",
    snow_caps=True,
    ground="snow",
    trees=2,
    tree="fir",
    landmark="cabin",
    landmark_place="right",
    motion="still",
    seed=4,
)
SPHERE = Thing("sphere", "red", "matte")
PAIR = StillLife(
    things=(SPHERE, Thing("cube", "blue", "shiny")),
    count=1,
    place="middle",
    relation="left of",
    wall="grey",
    table="wooden",
    motion="still",
    seed=7,
)
SINGLE = replace(PAIR, things=(SPHERE,), relation=None, place="right")
ROW = replace(SINGLE, count=3)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small pictures are painted faster by one thread than by several that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(scene: Scene, height: int = 192, width: int = 192) -> Image.Image:
    return to_image(render([scene], height, width)[0])


def drawn(kind: type[Scene], count: int) -> list[Scene]:
    both: Iterable[Scene] = scenes(11)
    return list(islice((scene for scene in both if isinstance(scene, kind)), count))


def softened(image: Image.Image) -> Image.Image:
    """What a VAE may make of a picture: blurred, and with some noise."""
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    levels = np.asarray(small.resize(image.size, Image.Resampling.BILINEAR), np.float32)
    noise = np.random.default_rng(0).normal(0, 5, levels.shape)
    return Image.fromarray((levels + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("kind", [Landscape, StillLife])
def test_what_was_painted_is_measured(kind: type[Scene]) -> None:
    right, number = Counter[str](), Counter[str]()
    for index, scene in enumerate(drawn(kind, 40)):
        claims = describe(scene, random.Random(index), named=1.0).claims
        image = picture(scene, 256, 256)
        for claim, held in zip(claims, holds(softened(image) if index % 2 else image, claims), strict=True):
            number[claim.about] += 1
            right[claim.about] += held
    assert {about: right[about] / number[about] for about in number} == pytest.approx(
        dict.fromkeys(number, 1.0), abs=0.05
    )


@pytest.mark.parametrize("kind", [Landscape, StillLife])
def test_a_caption_of_another_picture_is_mostly_false(kind: type[Scene]) -> None:
    chosen = drawn(kind, 12)
    held = [
        one
        for index, scene in enumerate(chosen)
        for one in holds(picture(scene), describe(chosen[index - 1], random.Random(index)).claims)
    ]
    assert sum(held) < 0.4 * len(held)


@pytest.mark.parametrize("size", [(160, 280), (280, 160), (400, 400)])
def test_pictures_of_every_shape_are_measured(size: tuple[int, int]) -> None:
    for scene in (LANDSCAPE, replace(LANDSCAPE, time="night", weather="snowfall", ground="sea"), PAIR, ROW):
        claims = describe(scene, random.Random(3), named=1.0).claims
        assert all(holds(picture(scene, *size), claims))


@pytest.mark.parametrize(
    ("scene", "other", "claim"),
    [
        (
            PAIR,
            replace(PAIR, things=(replace(SPHERE, colour="green"), PAIR.things[1])),
            Claim("colour", "red"),
        ),
        (
            PAIR,
            replace(PAIR, things=(replace(SPHERE, shape="cone"), PAIR.things[1])),
            Claim("shape", "sphere"),
        ),
        (PAIR, replace(PAIR, relation="in front of"), Claim("relation", "left of")),
        (PAIR, replace(PAIR, things=PAIR.things[::-1]), Claim("relation", "left of")),
        (PAIR, replace(PAIR, wall="pink"), Claim("wall", "grey")),
        (PAIR, replace(PAIR, table="white"), Claim("table", "wooden")),
        (SINGLE, replace(SINGLE, things=(replace(SPHERE, material="shiny"),)), Claim("material", "matte")),
        (SINGLE, replace(SINGLE, place="left"), Claim("place", "right")),
        (ROW, replace(ROW, count=4), Claim("count", 3)),
        (LANDSCAPE, replace(LANDSCAPE, time="sunset"), Claim("time", "day")),
        (LANDSCAPE, replace(LANDSCAPE, light="middle", clouds=1), Claim("light", "left")),
        (LANDSCAPE, replace(LANDSCAPE, light=None), Claim("light", "left")),
        (LANDSCAPE, replace(LANDSCAPE, clouds=3), Claim("clouds", 2)),
        (
            replace(LANDSCAPE, weather="rain"),
            replace(LANDSCAPE, weather="snowfall"),
            Claim("weather", "rain"),
        ),
        (replace(LANDSCAPE, weather="rain"), LANDSCAPE, Claim("weather", "rain")),
        (LANDSCAPE, replace(LANDSCAPE, mountains="blue"), Claim("mountains", "purple")),
        (LANDSCAPE, replace(LANDSCAPE, mountains=None), Claim("mountains", "purple")),
        (LANDSCAPE, replace(LANDSCAPE, ground="sand"), Claim("ground", "snow")),
        (LANDSCAPE, replace(LANDSCAPE, trees=1), Claim("trees", 2)),
        (LANDSCAPE, replace(LANDSCAPE, tree="autumn"), Claim("tree", "fir")),
        (LANDSCAPE, replace(LANDSCAPE, landmark="lighthouse"), Claim("landmark", "cabin")),
        (LANDSCAPE, replace(LANDSCAPE, landmark_place="left"), Claim("landmark place", "right")),
    ],
    ids=lambda value: f"{value.about} {value.value}" if isinstance(value, Claim) else "",
)
def test_a_claim_is_true_of_its_scene_alone(scene: Scene, other: Scene, claim: Claim) -> None:
    claims = describe(scene, random.Random(0), named=1.0).claims
    index = claims.index(claim)
    assert holds(picture(scene), claims)[index]
    assert not holds(picture(other), claims)[index]


def test_colours_that_are_swapped_belong_to_the_wrong_things() -> None:
    red, blue = PAIR.things
    swapped = replace(PAIR, things=(replace(red, colour="blue"), replace(blue, colour="red")))
    claims = [Claim("colour", "red", 0), Claim("shape", "sphere", 0), Claim("colour", "blue", 1)]
    assert holds(picture(swapped), claims) == [True, False, True]


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """The left third of one picture, and the rest of another."""
    third = left.width // 3
    joined = right.copy()
    joined.paste(left.crop((0, 0, third, left.height)), (0, 0))
    return joined


@pytest.mark.parametrize(
    ("about", "odd"),
    [
        ("colour", replace(SPHERE, colour="green")),
        ("shape", replace(SPHERE, shape="cone")),
        ("material", replace(SPHERE, material="shiny")),
    ],
)
def test_what_is_said_of_a_row_is_true_of_each_of_its_solids(about: str, odd: Thing) -> None:
    claims = describe(ROW, random.Random(0), named=1.0).claims
    held = holds(beside(picture(replace(ROW, things=(odd,))), picture(ROW)), claims)
    assert [claim.about for claim, one in zip(claims, held, strict=True) if not one] == [about]


def test_a_row_that_is_too_short_is_wrong_in_its_count_alone() -> None:
    claims = describe(ROW, random.Random(0), named=1.0).claims
    held = holds(picture(replace(ROW, count=2)), claims)
    assert [claim.about for claim, one in zip(claims, held, strict=True) if not one] == ["count"]


def test_an_empty_picture_holds_no_things() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    assert not any(holds(grey, describe(PAIR, random.Random(0), named=1.0).claims[:6]))
    assert not any(holds(grey, [Claim("light", "left"), Claim("clouds", 2), Claim("landmark", "cabin")]))


def test_only_eight_bit_colours_are_pictures() -> None:
    levels: Any = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(ValueError, match="expected uint8 of H×W×3"):
        holds(levels, [])


def test_a_picture_shows_no_motion() -> None:
    with pytest.raises(ValueError, match="a picture shows no motion"):
        holds(picture(SINGLE), [Claim("motion", "bounces")])


def clip(scene: Scene, height: int = 96, width: int = 144, frames: int = 9) -> list[Image.Image]:
    moments = [frame / (frames - 1) for frame in range(frames)]
    return [to_image(render([scene], height, width, when=moment)[0]) for moment in moments]


@pytest.mark.parametrize("motion", get_args(LandscapeMotion)[1:])
def test_what_moves_in_a_landscape_is_measured(motion: LandscapeMotion) -> None:
    scene = replace(LANDSCAPE, motion=motion)
    claims = describe(scene, random.Random(1), named=1.0).claims
    assert all(holds_video(clip(scene), claims))
    others = [Claim("motion", other) for other in get_args(LandscapeMotion) if other != motion]
    assert not any(holds_video(clip(scene), others))


@pytest.mark.parametrize("motion", get_args(StillLifeMotion)[1:])
def test_what_moves_in_a_still_life_is_measured(motion: StillLifeMotion) -> None:
    scene = replace(SINGLE, motion=motion)
    claims = describe(scene, random.Random(1), named=1.0).claims
    assert all(holds_video(clip(scene, 144, 96), claims))
    others = [Claim("motion", other) for other in get_args(StillLifeMotion) if other != motion]
    assert not any(holds_video(clip(scene, 144, 96), others))


@pytest.mark.parametrize("weather", get_args(Weather))
def test_waves_and_weather_are_no_motion_of_the_scene(weather: Weather) -> None:
    scene = replace(LANDSCAPE, ground="sea", trees=0, landmark="sailboat", weather=weather)
    assert holds_video(clip(scene), [Claim("weather", weather), Claim("motion", "still")]) == [True, True]


@pytest.mark.parametrize(("frames", "odd"), [(9, [4]), (9, [0]), (9, [8]), (33, [7, 20]), (33, [0, 16])])
def test_odd_frames_are_no_bounce(frames: int, odd: list[int]) -> None:
    bouncing = replace(SINGLE, motion="bounces")
    high, low = (to_image(render([bouncing], 96, 144, when=moment)[0]) for moment in (0.0, 0.2))
    shown = [high if frame in odd else low for frame in range(frames)]
    assert holds_video(shown, [Claim("motion", "bounces"), Claim("motion", "still")]) == [False, True]


def test_backwards_is_the_other_way() -> None:
    frames = clip(replace(SINGLE, motion="rolls left"))
    assert holds_video(frames[::-1], [Claim("motion", "rolls right")]) == [True]


@pytest.mark.parametrize("seed", range(6))
def test_masks_are_opened_grown_and_filled_as_scipy_does_it(seed: int) -> None:
    lots = np.random.default_rng(seed)
    mask = ndimage.binary_dilation(lots.random((30, 41)) < 0.03 * (seed + 1))
    for times in (1, 2, 3):
        assert np.array_equal(opened(mask, times), ndimage.binary_opening(mask, iterations=times))
        assert np.array_equal(dilated(mask, times), ndimage.binary_dilation(mask, iterations=times))
        assert np.array_equal(eroded(mask, times), ndimage.binary_erosion(mask, iterations=times))
    assert np.array_equal(filled(mask), ndimage.binary_fill_holes(mask))


def test_a_video_has_three_frames_or_more() -> None:
    with pytest.raises(ValueError, match="found 2 frames"):
        holds_video(clip(SINGLE, frames=2), [])
