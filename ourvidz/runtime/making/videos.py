"""Videos: looked at before they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ourvidz.plugins.family import OutputInvalid, RequirementMissing, VideoArtifact, VideoLength
from ourvidz.plugins.requirements import check_requirements
from ourvidz.runtime.making.pictures import BLACK
from ourvidz.spec.units import Resolution

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from PIL.Image import Image

#: What every worker that makes videos needs, whatever its family: frames are arrays, PyAV encodes them.
REQUIREMENTS = ("av>=13", "numpy>=1.26")

#: A pixel stands still if no channel of it differs from the first frame's by more than this. Rounding to 8
#: bits moves equal numbers by one level either way, so two frames by 2 from each other, and H.264 at our
#: quality spends nothing on it: 33 frames of 832×480 with such noise make a file no larger than a still's,
#: with noise of 8 levels one thirty times as large.
STILL = 2

#: A video is frozen if never so large a share of its pixels has left the first frame's. Of 832×480 it is 200:
#: a thing of 10×10 that has moved by its own width, here gone and there come. What is smaller, such as a
#: pixel that blinks, is a fault in a still rather than something that moves.
MOVED = 0.0005


def require_encoder() -> None:
    """Look for what videos are encoded with. Raises RequirementMissing with what to install."""
    unmet = [one.requirement for one in check_requirements(REQUIREMENTS) if not one.met]
    if unmet:
        install = " ".join(f'"{one}"' for one in unmet)
        raise RequirementMissing(f"videos need {', '.join(unmet)} to be encoded; run: pip install {install}")


def check_video(artifact: VideoArtifact, size: Resolution, length: VideoLength) -> None:
    """Raises OutputInvalid if it has not the size and length that were asked for, or shows nothing.

    A video may begin or end in black, and stand still for a while; not all of it may.
    """
    frames, name = artifact.frames, video_name(artifact)
    shape, levels = tuple(frames.shape), frames.dtype.name
    if len(shape) != 4 or shape[3] != 3 or levels != "uint8":
        raise OutputInvalid(
            f"{name} has {levels} frames of shape {shape}, expected uint8 and (frames, height, width, 3)"
        )
    if (shape[2], shape[1]) != (size.width, size.height):
        raise OutputInvalid(f"{name} is {shape[2]}x{shape[1]}, expected {size}")
    if (shape[0], artifact.fps) != (length.frames, length.fps):
        raise OutputInvalid(
            f"{name} has {shape[0]} frames at {artifact.fps} a second, "
            f"expected {length.frames} at {length.fps}"
        )
    if not any((frame > BLACK).any() for frame in frames):
        raise OutputInvalid(f"{name} is black from beginning to end")
    if not any((frame != frame[0, 0]).any() for frame in frames):
        raise OutputInvalid(f"{name} has one single colour in every frame")
    if not any(_moved(frame, frames[0]) >= MOVED for frame in frames[1:]):
        raise OutputInvalid(f"{name} is frozen: all {length.frames} frames show the same")


def middle_frame(artifact: VideoArtifact) -> Image:
    """What stands for a video in its thumbnail; the first frame is often the dullest."""
    from PIL.Image import fromarray

    return fromarray(artifact.frames[len(artifact.frames) // 2])


def video_name(artifact: VideoArtifact) -> str:
    """As messages call it."""
    return f"video {artifact.index} (seed {artifact.seed})"


def _moved(frame: NDArray[uint8], first: NDArray[uint8]) -> float:
    """The share of a frame's pixels that do not stand still."""
    import numpy

    # The difference of unsigned numbers, without a detour over larger ones.
    differs = numpy.maximum(frame, first) - numpy.minimum(frame, first) > STILL
    return float(differs.any(axis=2).mean())
