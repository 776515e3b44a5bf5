"""Pictures of the world, painted once and kept on the device."""

from __future__ import annotations

import itertools

import torch

from training.world.drawing_lots import scenes
from training.world.render import render

#: Pictures that are painted at a time.
AT_ONCE = 16


class Pictures:
    """Square pictures of ``side`` pixels, of scenes by lot."""

    def __init__(self, seed: int, count: int, side: int, device: str) -> None:
        drawn = list(itertools.islice(scenes(seed), count))
        self._side = side
        self._levels = torch.empty(count, 3, side, side, dtype=torch.uint8, device=device)
        for start in range(0, count, AT_ONCE):
            painted = render(drawn[start : start + AT_ONCE], side, side, device=device)
            self._levels[start : start + AT_ONCE] = painted.mul(255).round().to(torch.uint8)

    def windows(self, batch: int, size: int, lots: torch.Generator) -> torch.Tensor:
        """Windows of pictures by lot, ``batch`` × 3 × ``size`` × ``size``, from 0 to 1."""
        which = torch.randint(0, len(self._levels), (batch,), generator=lots).tolist()
        corners = torch.randint(0, self._side - size + 1, (batch, 2), generator=lots).tolist()
        found = [
            self._levels[index, :, row : row + size, column : column + size]
            for index, (row, column) in zip(which, corners, strict=True)
        ]
        return torch.stack(found).float() / 255

    def whole(self, start: int, count: int) -> torch.Tensor:
        """Whole pictures, ``count`` × 3 × side × side, from 0 to 1."""
        return self._levels[start : start + count].float() / 255
