"""Pictures and videos as a model hands them over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ourvidz.plugins.family import ImageArtifact, VideoArtifact

Frames = NDArray[Any]


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, ramp.rotate(180), ramp.rotate(90)))


def made(*images: Image.Image, first_seed: int = 7) -> list[ImageArtifact]:
    return [
        ImageArtifact(index=index, seed=first_seed + index, image=image) for index, image in enumerate(images)
    ]


def flying(width: int = 64, height: int = 48, frames: int = 9) -> NDArray[np.uint8]:
    """A gradient over which one looks as from a plane: everything moves by two pixels a frame."""
    ground = np.asarray(gradient(width + 2 * frames, height))
    return np.stack([ground[:, 2 * number : 2 * number + width] for number in range(frames)])


def video(frames: Frames, *, fps: int = 16, seed: int = 7) -> VideoArtifact:
    return VideoArtifact(index=0, seed=seed, frames=frames, fps=fps)
