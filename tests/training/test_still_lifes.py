"""Still lifes show what their scenes say."""

from dataclasses import replace

import pytest
import torch
from scipy import ndimage

from training.world.canvas import whole
from training.world.scenes import Colour, Material, Place, Relation, Shape, StillLife, Thing
from training.world.still_lifes import THING_COLOURS, pack, paint

SHAPES: tuple[Shape, ...] = ("sphere", "cube", "cone", "cylinder")
COLOURS: tuple[Colour, ...] = ("red", "orange", "yellow", "green", "blue", "purple")
PLACES: tuple[Place, ...] = ("left", "middle", "right")
BALL = Thing("sphere", "red", "matte")
SINGLE = StillLife((BALL,), 1, "middle", None, "grey", "wooden", "still", 5)
ROWS = [
    replace(SINGLE, things=(Thing(shape, "blue", "matte"),), count=count, seed=count)
    for shape in SHAPES
    for count in (2, 3, 4)
]
RELATIONS: tuple[Relation, ...] = ("left of", "right of", "on top of", "in front of")


def pair(relation: Relation, seed: int = 1, *, first: Shape = "cone", second: Shape = "cube") -> StillLife:
    things = Thing(first, "red", "matte"), Thing(second, "blue", "shiny")
    return replace(SINGLE, things=things, relation=relation, seed=seed)


def pictures(
    *scenes: StillLife, height: int = 96, width: int = 96, when: float | torch.Tensor = 0.0
) -> torch.Tensor:
    return paint(pack(scenes), whole(height, width, "cpu"), when)


def vivid(picture: torch.Tensor) -> torch.Tensor:
    """Where things are: nothing else has as much colour."""
    most, least = picture.amax(-3), picture.amin(-3)
    return (most - least) / most.clamp(min=0.01) > 0.58


def where(picture: torch.Tensor, colour: Colour) -> torch.Tensor:
    """Where things of a colour are, by hue: what a grey or white addition leaves in proportion."""
    pure = torch.tensor(THING_COLOURS[colour])[:, None, None]
    pure, found = (one - one.amin(0) for one in (pure, picture))
    off = found / found.amax(0).clamp(min=0.01) - pure / pure.amax()
    return (off.abs().amax(0) < 0.12) & vivid(picture)


def middle(mask: torch.Tensor) -> tuple[float, float]:
    """Mean row and column, from 0 to 1."""
    rows, columns = torch.nonzero(mask, as_tuple=True)
    return rows.float().mean().item() / mask.shape[0], columns.float().mean().item() / mask.shape[1]


def test_a_scene_is_the_same_picture_in_any_batch() -> None:
    scenes = [SINGLE, pair("in front of"), ROWS[2]]
    together = pictures(*scenes)
    for scene, picture in zip(scenes, together, strict=True):
        assert torch.equal(pictures(scene)[0], picture)
    picked = paint(pack(scenes)[torch.tensor([2, 0])], whole(96, 96, "cpu"))
    assert torch.equal(picked, together[[2, 0]])


def test_another_seed_is_another_picture() -> None:
    one, other = pictures(SINGLE, replace(SINGLE, seed=6))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("scene", [SINGLE, ROWS[4], pair("on top of")])
def test_composition_is_the_same_at_every_size(scene: StillLife) -> None:
    small, large = pictures(scene)[0], pictures(scene, height=192, width=192)[0]
    shrunk = torch.nn.functional.avg_pool2d(large[None], 2)[0]
    assert (small - shrunk).abs().mean() < 0.005


@pytest.mark.parametrize("colour", COLOURS)
def test_a_thing_has_its_hue_all_over(colour: Colour) -> None:
    things = [Thing(shape, colour, "matte") for shape in SHAPES]
    for picture in pictures(*(replace(SINGLE, things=(thing,)) for thing in things)):
        # At the edge a pixel is partly something else.
        inside = torch.from_numpy(ndimage.binary_erosion(vivid(picture).numpy()))
        assert where(picture, colour)[inside].all()
        assert inside.float().mean() > 0.03


def test_a_single_thing_stands_at_its_place() -> None:
    for scene, picture in zip(
        scenes := [replace(SINGLE, place=place) for place in PLACES],
        pictures(*scenes, height=54, width=96),
        strict=True,
    ):
        across = middle(vivid(picture))[1]
        assert across == pytest.approx({"left": 0.25, "middle": 0.5, "right": 0.75}[scene.place], abs=0.04)


def test_as_many_things_are_apart_as_the_scene_counts() -> None:
    for scene, picture in zip(ROWS, pictures(*ROWS), strict=True):
        assert ndimage.label(vivid(picture).numpy())[1] == scene.count


@pytest.mark.parametrize("size", [(96, 96), (72, 128), (128, 72)])
def test_things_are_wholly_inside(size: tuple[int, int]) -> None:
    singles = [
        replace(SINGLE, things=(Thing("cube", "red", "matte"),), place=place, seed=seed)
        for place in PLACES
        for seed in range(4)
    ]
    pairs = [
        pair(relation, seed, first="cube", second="cylinder") for relation in RELATIONS for seed in range(4)
    ]
    for when in (0.0, 1.0):
        moving = [replace(SINGLE, motion=motion) for motion in ("rolls left", "rolls right", "bounces")]
        masks = vivid(pictures(*singles, *pairs, *ROWS, *moving, height=size[0], width=size[1], when=when))
        assert not masks[:, [0, -1]].any()
        assert not masks[:, :, [0, -1]].any()
        assert masks.any(1).any(1).all()


@pytest.mark.parametrize("relation", RELATIONS)
def test_the_first_thing_stands_in_its_relation_to_the_second(relation: Relation) -> None:
    for picture in pictures(*(pair(relation, seed) for seed in range(4))):
        first, second = where(picture, "red"), where(picture, "blue")
        (down, across), (its_down, its_across) = middle(first), middle(second)
        # Grown by a pixel, whose colour is that of an edge.
        touch = bool((torch.from_numpy(ndimage.binary_dilation(first.numpy(), iterations=2)) & second).any())
        if relation == "left of":
            assert across < its_across - 0.2
            assert not touch
        elif relation == "right of":
            assert across > its_across + 0.2
            assert not touch
        elif relation == "on top of":
            assert down < its_down - 0.1
            assert across == pytest.approx(its_across, abs=0.06)
            assert touch
        else:
            assert torch.nonzero(first)[:, 0].max() > torch.nonzero(second)[:, 0].max() + 8
            assert touch
            assert second.sum() > 200


@pytest.mark.parametrize("shape", SHAPES)
def test_only_shiny_things_reflect_the_light(shape: Shape) -> None:
    def share(material: Material) -> float:
        picture = pictures(replace(SINGLE, things=(Thing(shape, "green", material),)))[0]
        return ((picture.amin(0) > 0.8) & solid).sum().item() / solid.sum().item()

    solid = vivid(pictures(replace(SINGLE, things=(Thing(shape, "green", "matte"),)))[0])
    assert share("matte") == 0
    assert share("shiny") > 0.04


def test_shapes_differ_by_how_wide_they_are_from_top_to_bottom() -> None:
    upper, lower, breadth = {}, {}, {}
    scenes = [replace(SINGLE, things=(Thing(shape, "red", "matte"),)) for shape in SHAPES]
    for shape, picture in zip(SHAPES, pictures(*scenes, height=256, width=256), strict=True):
        widths = vivid(picture).sum(1)
        widths = widths[widths > 0].float() / widths.max()
        tall = len(widths)
        upper[shape], lower[shape] = widths[tall // 8].item(), widths[tall - tall // 8].item()
        breadth[shape] = vivid(picture).any(0).sum().item() / tall
    assert upper["cone"] < 0.25
    assert 0.5 < upper["sphere"] < 0.75
    assert 0.5 < lower["sphere"] < 0.75
    assert breadth["cylinder"] < 0.75 < breadth["cube"]
    assert min(upper["cylinder"], upper["cube"], lower["cube"]) > 0.7


@pytest.mark.parametrize(("motion", "sign"), [("rolls left", -1), ("rolls right", 1)])
def test_a_rolling_sphere_crosses_the_middle(motion: str, sign: int) -> None:
    scene = replace(SINGLE, motion=motion)  # type: ignore[arg-type]
    across = [middle(vivid(pictures(scene, when=when)[0]))[1] - 0.5 for when in (0.0, 0.5, 1.0)]
    assert across == pytest.approx([-sign * 0.225, 0, sign * 0.225], abs=0.02)


def test_a_bouncing_sphere_falls_and_rises() -> None:
    scene = replace(SINGLE, motion="bounces")
    down = [middle(vivid(pictures(scene, when=when)[0]))[0] for when in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    for high, low in zip(down[::2], down[1::2], strict=True):
        assert low - high == pytest.approx(0.25, abs=0.02)


def test_progress_may_be_a_tensor() -> None:
    scene = replace(SINGLE, motion="bounces")
    assert torch.equal(pictures(scene, when=0.3), pictures(scene, when=torch.tensor(0.3)))
