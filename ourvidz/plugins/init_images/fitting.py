"""Brings a picture of any shape to a job's size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ourvidz.spec.units import Resolution

if TYPE_CHECKING:
    from PIL.Image import Image

Fit = Literal["crop", "pad", "stretch"]

#: Around a padded picture.
BARS = (0, 0, 0)


def fit(picture: Image, size: Resolution, mode: Fit) -> Image:
    """Resample an RGB picture, with Lanczos' filter, to exactly ``size``.

    ``crop`` fills the size and cuts what is over, evenly from both sides; ``pad`` shows all of the
    picture between bars; ``stretch`` changes its proportions.
    """
    from PIL import Image
    from PIL.Image import Resampling

    wanted = (size.width, size.height)
    if mode == "stretch":
        return picture.resize(wanted, Resampling.LANCZOS)
    across, down = size.width / picture.width, size.height / picture.height
    if mode == "crop":
        scale = max(across, down)
        left = (picture.width - size.width / scale) / 2
        top = (picture.height - size.height / scale) / 2
        # The rounding of floats must not lead out of the picture.
        box = (max(0.0, left), max(0.0, top), picture.width - max(0.0, left), picture.height - max(0.0, top))
        return picture.resize(wanted, Resampling.LANCZOS, box=box)
    scale = min(across, down)
    inner = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    padded = Image.new("RGB", wanted, BARS)
    corner = (size.width - inner[0]) // 2, (size.height - inner[1]) // 2
    padded.paste(picture.resize(inner, Resampling.LANCZOS), corner)
    return padded
