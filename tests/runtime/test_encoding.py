"""What a model made becomes files, with a thumbnail and everything that has to be known about them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import av
import numpy as np
from PIL import Image

from ourvidz.plugins.family import VideoLength
from ourvidz.runtime.making.encoding import encode
from ourvidz.spec.units import Resolution
from tests.runtime.artifacts import flying, gradient, made, video


def test_an_image_becomes_a_png_and_a_webp(tmp_path: Path) -> None:
    [artifact] = made(gradient())
    encoded = encode(artifact, parameters={"prompt": "a boat"}, thumbnail=32, folder=tmp_path)
    assert (encoded.type, encoded.index, encoded.seed, encoded.length) == ("image", 0, 7, None)
    assert (encoded.file.name, encoded.file.mime) == ("0.png", "image/png")
    with Image.open(io.BytesIO(encoded.file.data)) as picture:
        assert json.loads(picture.info["parameters"]) == {"prompt": "a boat", "seed": 7}
    assert encoded.thumbnail is not None
    assert (encoded.thumbnail.name, encoded.thumbnail.mime) == ("0.thumb.webp", "image/webp")


def test_a_video_becomes_an_mp4_and_a_webp_and_leaves_no_file_behind(tmp_path: Path) -> None:
    encoded = encode(video(flying()), parameters={"prompt": "a boat"}, thumbnail=32, folder=tmp_path)
    assert (encoded.type, encoded.index, encoded.seed) == ("video", 0, 7)
    assert (encoded.size, encoded.length) == (Resolution(64, 48), VideoLength(frames=9, fps=16))
    assert (encoded.file.name, encoded.file.mime) == ("0.mp4", "video/mp4")
    with av.open(io.BytesIO(encoded.file.data)) as container:
        assert json.loads(container.metadata["parameters"]) == {"prompt": "a boat", "seed": 7}
    assert encoded.thumbnail is not None
    assert (encoded.thumbnail.name, encoded.thumbnail.mime) == ("0.thumb.webp", "image/webp")
    assert list(tmp_path.iterdir()) == []


def test_a_videos_thumbnail_shows_its_middle_frame(tmp_path: Path) -> None:
    frames = flying() // 4
    frames[4] = (200, 40, 40)
    encoded = encode(video(frames), parameters={}, thumbnail=32, folder=tmp_path)
    assert encoded.thumbnail is not None
    with Image.open(io.BytesIO(encoded.thumbnail.data)) as small:
        assert small.size == (32, 24)
        assert np.abs(np.asarray(small.convert("RGB")).mean((0, 1)) - (200, 40, 40)).max() < 8


def test_whoever_wants_no_thumbnail_gets_none(tmp_path: Path) -> None:
    encoded = encode(video(flying()), parameters={}, thumbnail=0, folder=tmp_path)
    assert encoded.thumbnail is None
