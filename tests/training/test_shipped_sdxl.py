"""The small SDXL checkpoint that comes with the package paints what it is told, from a queue to a file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pytest
import yaml
from PIL import Image

from docs.gallery.making import Made, make
from docs.gallery.sheet import DESCRIPTION, origin
from tests.site import REPOSITORY, forget_environment
from training.measure import holds
from training.world.captions import Claim

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

#: Prompts with what must be measured on their pictures.
PROMPTS = {
    "a shiny red sphere on the left, on a wooden table, before a pale blue wall": (
        Claim("colour", "red"),
        Claim("shape", "sphere"),
        Claim("place", "left"),
        Claim("table", "wooden"),
        Claim("wall", "pale blue"),
    ),
    "a shiny red sphere on the right, on a white table, before a pink wall": (
        Claim("colour", "red"),
        Claim("shape", "sphere"),
        Claim("place", "right"),
        Claim("table", "white"),
        Claim("wall", "pink"),
    ),
    "three matte yellow spheres, on a dark table, before a grey wall": (
        Claim("colour", "yellow"),
        Claim("shape", "sphere"),
        Claim("count", 3),
        Claim("table", "dark"),
    ),
    "the sea, by day, the sun on the left": (
        Claim("time", "day"),
        Claim("ground", "sea"),
        Claim("light", "left"),
    ),
    "a green meadow, at night, the moon on the right": (
        Claim("time", "night"),
        Claim("ground", "grass"),
        Claim("light", "right"),
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """One picture of every prompt, by a worker with the repository's settings."""
    with pytest.MonkeyPatch.context() as patch:
        forget_environment(patch)
        patch.chdir(REPOSITORY)
        pictures = make({"sdxl_image_fast": [*PROMPTS]}, tmp_path_factory.mktemp("shipped"), profile="demo")
    return {one.prompt: one for one in pictures}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_picture_shows_what_its_prompt_says(prompt: str, made: dict[str, Made]) -> None:
    assert set(PROMPTS[prompt]) - _shown(made[prompt], PROMPTS[prompt]) == set()


def test_a_picture_shows_nothing_that_only_other_prompts_say(made: dict[str, Made]) -> None:
    left, right, _, day, night = PROMPTS
    for prompt, other in ((left, right), (right, left), (day, night), (night, day)):
        assert _shown(made[prompt], PROMPTS[other]) - set(PROMPTS[prompt]) == set(), prompt


def test_the_sheet_in_the_readme_is_of_this_checkpoint_and_these_prompts(made: dict[str, Made]) -> None:
    gallery = REPOSITORY / "docs/gallery"
    prompts = yaml.safe_load((gallery / "gallery.yaml").read_text())
    expected = origin({one.checkpoint for one in made.values()}, [*chain.from_iterable(prompts.values())])
    with Image.open(gallery / "sheet.jpg") as sheet:
        assert sheet.getexif()[DESCRIPTION] == expected, "run: python -m docs.gallery --update"
    assert (gallery / "sheet.jpg").stat().st_size < 300_000


def _shown(one: Made, claims: Sequence[Claim]) -> set[Claim]:
    """Those that are measured on a picture."""
    with Image.open(one.path) as picture:
        return {claim for claim, true in zip(claims, holds(picture, claims), strict=True) if true}
