"""Painting with signed distances: every shape is a distance, negative inside, and covers what lies below.

Coordinates: x to the right, y down, (0, 0) in the middle, and the shorter side of the picture from -1 to 1.
Everything is batched: a colour is B×3, a mask B×H×W, a picture B×3×H×W, all float32 and colours sRGB, 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class View:
    """The pixels of a batch of pictures, or of windows of them."""

    x: torch.Tensor
    """B×1×W, or 1×1×W."""
    y: torch.Tensor
    """B×H×1, or 1×H×1."""
    half_width: float
    """Of the whole picture: 1 or more."""
    half_height: float
    pixel: float
    """Width of a pixel."""


def whole(height: int, width: int, device: torch.device | str) -> View:
    """All of a picture."""
    return window(height, width, torch.zeros(1, 2, device=device), height, width)


def window(height: int, width: int, corners: torch.Tensor, rows: int, columns: int) -> View:
    """Windows of ``rows`` by ``columns`` pixels of pictures of ``height`` by ``width`` pixels.

    ``corners`` is B×2, the row and column at which each window begins.
    """
    short = min(height, width)
    pixel = 2 / short
    row = torch.arange(rows, device=corners.device) + 0.5
    column = torch.arange(columns, device=corners.device) + 0.5
    y = (corners[:, :1] + row - height / 2) * pixel
    x = (corners[:, 1:] + column - width / 2) * pixel
    return View(x[:, None, :], y[:, :, None], width / short, height / short, pixel)


def cover(distance: torch.Tensor, pixel: float, *, soft: float = 0.0) -> torch.Tensor:
    """How much of each pixel a shape covers, 0 to 1. ``soft`` is the width of a blurred edge."""
    return (0.5 - distance / (pixel + soft)).clamp(0, 1)


def over(picture: torch.Tensor, colour: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Lay a colour (B×3 or B×3×H×W) over a picture where the mask says."""
    if colour.dim() == 2:
        colour = colour[:, :, None, None]
    return torch.lerp(picture, colour, mask[:, None])
