"""The video: a sun that crosses a placeholder, with the number of the frame on it."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SUN = (255, 250, 235)
INK = (90, 60, 40)


def film(picture: Image.Image, frames: int) -> NDArray[numpy.uint8]:
    """Frames × height × width × 3, RGB. Equal arguments give equal frames."""
    return numpy.stack([numpy.asarray(_frame(picture, number, frames)) for number in range(frames)])


def _frame(picture: Image.Image, number: int, frames: int) -> Image.Image:
    """The sun rises at the left edge, is highest in the middle of the video, and sets at the right edge."""
    frame = picture.copy()
    way = number / (frames - 1)
    radius = min(frame.size) / 14
    x = radius + way * (frame.width - 2 * radius)
    y = frame.height * (0.8 - 0.62 * math.sin(math.pi * way))
    draw = ImageDraw.Draw(frame)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=SUN)
    font = ImageFont.load_default(size=max(6.0, radius))
    draw.text((x, y), str(number + 1), fill=INK, font=font, anchor="mm")
    return frame
