"""Pictures are looked at before they count, and encoded without a change to their pixels."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from pydantic import JsonValue

from ourvidz.plugins.family import ImageArtifact, Output, OutputInvalid
from ourvidz.runtime.outputs import BLACK, check_artifacts, encode_png, encode_thumbnail


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, ramp.rotate(180), ramp.rotate(90)))


def output(*images: Image.Image, resolution: str = "64x48", first_seed: int = 7) -> Output:
    artifacts = [
        ImageArtifact(index=index, seed=first_seed + index, image=image) for index, image in enumerate(images)
    ]
    return Output(artifacts=artifacts, effective={"resolution": resolution})


def test_a_sound_output_passes() -> None:
    check_artifacts(output(gradient(), gradient()), (7, 8))


def test_a_dark_picture_with_one_light_passes() -> None:
    night = Image.new("RGB", (64, 48))
    night.putpixel((10, 10), (0, 0, BLACK + 1))
    check_artifacts(output(night), (7,))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (output(), r"made \(index, seed\) \[\], expected \[\(0, 7\)\]"),
        (output(gradient(), gradient()), "made"),
        (output(gradient(), first_seed=8), "made"),
        (output(gradient(48, 64)), r"image 0 \(seed 7\) is 48x64, expected 64x48"),
        (output(gradient().convert("RGBA")), "has mode RGBA, expected RGB"),
        (output(Image.new("RGB", (64, 48))), "is black"),
        (output(Image.new("RGB", (64, 48), (BLACK, BLACK, 0))), "is black"),
        (output(Image.new("RGB", (64, 48), (255, 255, 255))), "one single colour"),
        (output(gradient(), resolution="large"), "reports resolution 'large'"),
    ],
)
def test_what_is_no_result_is_refused(wrong: Output, words: str) -> None:
    with pytest.raises(OutputInvalid, match=words):
        check_artifacts(wrong, (7,))


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
