"""What a model made is looked at before it counts: pictures and videos, of the right kind and number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from ourvidz.plugins.family import Artifact, OutputInvalid, VideoArtifact, VideoLength
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.runtime.making.pictures import BLACK
from ourvidz.runtime.making.videos import STILL
from ourvidz.spec.units import Resolution
from tests.runtime.artifacts import Frames, flying, gradient, made, video

SIZE = Resolution(64, 48)
LENGTH = VideoLength(frames=9, fps=16)


class TestPictures:
    def test_a_sound_output_passes(self) -> None:
        check_artifacts(made(gradient(), gradient()), seeds=(7, 8), size=SIZE)

    def test_a_dark_picture_with_one_light_passes(self) -> None:
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
            ([video(flying())], r"made VideoArtifact 0, expected an image"),
        ],
    )
    def test_what_is_no_result_is_refused(self, wrong: Sequence[Artifact], words: str) -> None:
        with pytest.raises(OutputInvalid, match=words):
            check_artifacts(wrong, seeds=(7,), size=SIZE)


def _filled(level: int) -> Frames:
    return np.full((9, 48, 64, 3), level, np.uint8)


def _noisy(levels: int) -> Frames:
    """One picture nine times, with a noise of so many levels on it."""
    noise = np.random.default_rng(0).integers(0, levels, (9, 48, 64, 3), endpoint=True)
    return np.asarray(flying()[:1] // 2 + noise, np.uint8)


def _dawn() -> Frames:
    """Black, but for a light of two pixels in the last frame."""
    frames = _filled(0)
    frames[-1, 5, 5:7, 2] = BLACK + 1
    return frames


def _flicker() -> Frames:
    """Every frame of one colour, none like the other."""
    return np.broadcast_to(np.arange(100, 109, dtype=np.uint8).reshape(9, 1, 1, 1), (9, 48, 64, 3))


def _blink(pixels: int) -> Frames:
    """A still picture of 3072 pixels, so many of which change a little more than by rounding, one channel."""
    frames = np.repeat(flying()[:1], 9, axis=0)
    frames[4, 10, 10 : 10 + pixels, 0] += STILL + 1
    return frames


def _one_by_one() -> Frames:
    """A still picture in which another single pixel changes in every frame."""
    frames = np.repeat(flying()[:1], 9, axis=0)
    for number, frame in enumerate(frames[1:]):
        frame[10, 10 + number] += STILL + 1
    return frames


class TestVideos:
    @pytest.mark.parametrize("frames", [flying(), _dawn(), _blink(2)])
    def test_a_video_in_which_something_moves_passes(self, frames: Frames) -> None:
        check_artifacts([video(frames)], seeds=(7,), size=SIZE, length=LENGTH)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            (video(flying(frames=5)), r"video 0 \(seed 7\) has 5 frames at 16 a second, expected 9 at 16"),
            (video(flying(), fps=24), "has 9 frames at 24 a second, expected 9 at 16"),
            (video(flying(48, 64)), r"video 0 \(seed 7\) is 48x64, expected 64x48"),
            (video(flying() / 255), r"has float64 frames of shape \(9, 48, 64, 3\), expected uint8"),
            (video(flying()[..., 0]), r"has uint8 frames of shape \(9, 48, 64\), expected uint8 and"),
            (video(_filled(0)), "is black from beginning to end"),
            (video(_filled(BLACK)), "is black from beginning to end"),
            (video(_filled(200)), "has one single colour in every frame"),
            (video(_flicker()), "has one single colour in every frame"),
            (video(_noisy(0)), "is frozen: all 9 frames show the same"),
            (video(_noisy(STILL)), "is frozen: all 9 frames show the same"),
            # Two pixels are more than the share that has to move, one is less.
            (video(_blink(1)), "is frozen: all 9 frames show the same"),
            (video(_one_by_one()), "is frozen: all 9 frames show the same"),
            (made(gradient())[0], "made ImageArtifact 0, expected a video of 9 frames"),
        ],
    )
    def test_what_is_no_result_is_refused(self, wrong: Artifact, words: str) -> None:
        with pytest.raises(OutputInvalid, match=words) as refused:
            check_artifacts([wrong], seeds=(7,), size=SIZE, length=LENGTH)
        assert refused.value.code == "output_invalid"

    def test_more_than_rounding_is_motion(self) -> None:
        check_artifacts([video(_noisy(STILL + 1))], seeds=(7,), size=SIZE, length=LENGTH)

    def test_looking_leaves_the_frames_as_they_were(self) -> None:
        artifact: VideoArtifact = video(flying())
        artifact.frames.flags.writeable = False
        check_artifacts([artifact], seeds=(7,), size=SIZE, length=LENGTH)
