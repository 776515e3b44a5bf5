"""Clips of the world: every scene painted at each moment of its progress."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from training.wan.portions import PAINTERS, Portion
from training.world.canvas import whole

#: Height and width in pixels.
Size = tuple[int, int]

#: Frames of a whole clip, at which its progress is 0, 1/32, … 1.
FRAMES = 33

#: The demonstration profile's, portrait and landscape.
SIZES: tuple[Size, ...] = ((416, 240), (240, 416))

#: Both in small, with which the code is tried out.
TINY: tuple[Size, ...] = ((64, 32), (32, 64))


@torch.no_grad()
def paint(portion: Portion, size: Size, device: str, frames: int = FRAMES) -> torch.Tensor:
    """B×3×F×H×W, uint8; a single frame is the first."""
    view = whole(*size, device)
    clips = torch.empty(portion.count, 3, frames, *size, dtype=torch.uint8, device=device)
    start = 0
    for kind, fields in portion.packed.items():
        painter = PAINTERS[kind]
        packed = painter.Packed(**{name: torch.from_numpy(one).to(device) for name, one in fields.items()})
        for frame in range(frames):
            pictures = painter.paint(packed, view, frame / max(1, frames - 1))
            clips[start : start + len(pictures), :, frame] = pictures.mul_(255).round_().to(torch.uint8)
        start += len(pictures)
    return clips


def signals(clips: torch.Tensor) -> torch.Tensor:
    """What the VAE takes: -1 to 1, float32."""
    return clips.float() / 127.5 - 1


class Pool:
    """Clips of one size, painted and kept on the device."""

    def __init__(self, portions: Sequence[Portion], size: Size, device: str) -> None:
        self.size = size
        count = sum(portion.count for portion in portions)
        self._clips = torch.empty(count, 3, FRAMES, *size, dtype=torch.uint8, device=device)
        start = 0
        for portion in portions:
            self._clips[start : start + portion.count] = paint(portion, size, device)
            start += portion.count

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
