"""Clips of the world: every scene painted at each moment of its progress."""

from __future__ import annotations

import torch

from training.world.described import Described
from training.world.painting import Size, paint, signals

#: Frames of a whole clip, at which its progress is 0, 1/32, … 1.
FRAMES = 33

#: The demonstration profile's, portrait and landscape.
SIZES: tuple[Size, ...] = ((416, 240), (240, 416))

#: Both in small, with which the code is tried out.
TINY: tuple[Size, ...] = ((64, 32), (32, 64))

#: Clips that are painted at a time.
AT_ONCE = 32


class Pool:
    """Clips of one size, painted and kept on the device."""

    def __init__(self, described: Described, size: Size, device: str) -> None:
        self.size = size
        clips = paint(described, size, device, frames=FRAMES, at_once=AT_ONCE, compiled=device == "cuda")
        self._clips = torch.cat(list(clips))

    def windows(self, count: int, frames: int, size: Size, lots: torch.Generator) -> torch.Tensor:
        """Windows of clips in space and time, count×3×frames×H×W, -1 to 1. ``lots`` is on the CPU."""
        sides = (a - b + 1 for a, b in zip(self.size, size, strict=True))
        bounds = (len(self._clips), FRAMES - frames + 1, *sides)
        places = torch.stack([torch.randint(0, one, (count,), generator=lots) for one in bounds], dim=1)
        found = [
            self._clips[clip, :, frame : frame + frames, row : row + size[0], column : column + size[1]]
            for clip, frame, row, column in places.tolist()
        ]
        return signals(torch.stack(found))

    def some(self, count: int) -> torch.Tensor:
        """Whole clips, evenly spaced, -1 to 1."""
        return signals(self._clips[:: max(1, len(self._clips) // count)][:count])
