"""Pictures are looked at before they count, and encoded without a change to their pixels."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from pydantic import JsonValue

from ourvidz.plugins.family import ImageArtifact, OutputInvalid
from ourvidz.runtime.making.outputs import BLACK, check_artifacts, encode_png, encode_thumbnail
from ourvidz.spec.units import Resolution

SIZE = Resolution(64, 48)


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, ramp.rotate(180), ramp.rotate(90)))


def made(*images: Image.Image, first_seed: int = 7) -> list[ImageArtifact]:
    return [
        ImageArtifact(index=index, seed=first_seed + index, image=image) for index, image in enumerate(images)
    ]


def test_a_sound_output_passes() -> None:
    check_artifacts(made(gradient(), gradient()), seeds=(7, 8), size=SIZE)


def test_a_dark_picture_with_one_light_passes() -> None:
    night = Image.new("RGB", (64, 48))
    night.putpixel((10, 10), (0, 0, BLACK + 1))
    check_artifacts(made(night), seeds=(7,), size=SIZE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (made(), r"made \(index, seed\) \[\], expected \[\(0, 7\)\]"),
        (made(gradient(), gradient()), "made"),
        (made(gradient(), first_seed=8), "made"),
        (made(gradient(48, 64)), r"image 0 \(seed 7\) is 48x64, expected 64x48"),
        (made(gradient().convert("RGBA")), "has mode RGBA, expected RGB"),
        (made(Image.new("RGB", (64, 48))), "is black"),
        (made(Image.new("RGB", (64, 48), (BLACK, BLACK, 0))), "is black"),
        (made(Image.new("RGB", (64, 48), (255, 255, 255))), "one single colour"),
    ],
)
def test_what_is_no_result_is_refused(wrong: list[ImageArtifact], words: str) -> None:
    with pytest.raises(OutputInvalid, match=words):
        check_artifacts(wrong, seeds=(7,), size=SIZE)


@pytest.mark.parametrize("prompt", ["a lighthouse at dusk", "ein Leuchtturm in der Dämmerung", "黄昏の灯台"])
def test_a_png_says_how_it_was_made_and_keeps_its_pixels(prompt: str) -> None:
    parameters: dict[str, JsonValue] = {"prompt": prompt, "seed": 7, "guidance": 6.0}
    image = gradient()
    with Image.open(io.BytesIO(encode_png(image, parameters))) as read:
        assert (read.format, read.mode, read.tobytes()) == ("PNG", "RGB", image.tobytes())
        assert json.loads(read.info["parameters"]) == parameters


def test_the_same_picture_gives_the_same_file() -> None:
    assert encode_png(gradient(), {"seed": 7}) == encode_png(gradient(), {"seed": 7})


@pytest.mark.parametrize(
    ("size", "expected"), [((1024, 1024), (256, 256)), ((832, 480), (256, 148)), ((100, 50), (100, 50))]
)
def test_a_thumbnail_keeps_the_shape_and_its_longest_side(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = gradient(*size)
    with Image.open(io.BytesIO(encode_thumbnail(image, 256))) as small:
        assert (small.format, small.size) == ("WEBP", expected)
    assert image.size == size
