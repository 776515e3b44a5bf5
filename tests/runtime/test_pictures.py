"""Pictures are encoded without a change to their pixels, and say how they were made."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from pydantic import JsonValue

from ourvidz.runtime.making.pictures import encode_png, encode_thumbnail
from tests.runtime.artifacts import gradient


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
