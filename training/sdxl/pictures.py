"""Pictures of the world for training, painted where they are needed."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from training.world import landscapes, still_lifes
from training.world.canvas import whole, window
from training.world.drawing_lots import scenes
from training.world.scenes import Landscape, Scene, StillLife


class Pictures:
    """A number of scenes, kept as parameters on the device and painted again and again."""

    def __init__(self, seed: int, count: int, device: str) -> None:
        drawn = list(itertools.islice(scenes(seed), count))
        self._device = device
        self._kinds: list[tuple[Any, Any, int]] = []
        kinds: tuple[tuple[Any, type[Scene]], ...] = ((landscapes, Landscape), (still_lifes, StillLife))
        for painter, kind in kinds:
            mine = [scene for scene in drawn if isinstance(scene, kind)]
            self._kinds.append((painter, painter.pack(mine, device), len(mine)))

    def windows(self, batch: int, size: int, lots: torch.Generator) -> torch.Tensor:
        """Return ``batch`` × 3 × ``size`` × ``size`` windows of pictures of 1024 by 1024 pixels, half of each kind."""
        corners = torch.randint(0, 1024 - size + 1, (batch, 2), generator=lots).to(self._device)
        halves = corners.chunk(2)
        found = []
        for (painter, packed, count), corner in zip(self._kinds, halves, strict=True):
            index = torch.randint(0, count, (len(corner),), generator=lots).to(self._device)
            found.append(painter.paint(packed[index], window(1024, 1024, corner, size, size)))
        return torch.cat(found)

    def whole(self, index: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Whole pictures of the scenes of ``index``, half of each kind."""
        view = whole(height, width, self._device)
        halves = index.to(self._device).chunk(2)
        return torch.cat(
            [
                painter.paint(packed[half], view)
                for (painter, packed, _), half in zip(self._kinds, halves, strict=True)
            ]
        )
