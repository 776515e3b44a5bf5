"""Clips of the world: every scene painted at each moment of its progress."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch

from training.world import landscapes, still_lifes
from training.world.canvas import whole
from training.world.drawing_lots import scenes
from training.world.scenes import Landscape, Scene, StillLife

#: Height and width in pixels.
Size = tuple[int, int]

#: Frames of a whole clip, at which its progress is 0, 1/32, … 1.
FRAMES = 33

#: The demonstration profile's, portrait and landscape.
SIZES: tuple[Size, ...] = ((416, 240), (240, 416))

#: Both in small, with which the code is tried out.
TINY: tuple[Size, ...] = ((64, 32), (32, 64))

#: Pixels that are painted at a time.
AT_ONCE = 8 * 1024 * 1024


def draw(seed: int, size: Size, count: int, *, moving: bool) -> list[Scene]:
    """``count`` scenes; each size has its own."""
    # Not what `scenes` makes of the seed alone, since evaluations draw from those.
    return list(itertools.islice(scenes(1_000_000 * seed + 1000 * size[0] + size[1], moving=moving), count))


def painted(drawn: Sequence[Scene], size: Size, device: str, frames: int = FRAMES) -> Iterator[torch.Tensor]:
    """Paint scenes a few at a time, in their order: each B×3×F×H×W, uint8. One frame is the first."""
    step = max(1, AT_ONCE // (size[0] * size[1]))
    for start in range(0, len(drawn), step):
        yield _paint(drawn[start : start + step], size, device, frames)


@torch.no_grad()
def _paint(drawn: Sequence[Scene], size: Size, device: str, frames: int) -> torch.Tensor:
    view = whole(*size, device)
    clips = torch.empty(len(drawn), 3, frames, *size, dtype=torch.uint8, device=device)
    outdoors = [index for index, scene in enumerate(drawn) if isinstance(scene, Landscape)]
    indoors = [index for index, scene in enumerate(drawn) if isinstance(scene, StillLife)]
    for painter, kind, mine in ((landscapes, Landscape, outdoors), (still_lifes, StillLife, indoors)):
        if mine:
            packed = painter.pack([scene for scene in drawn if isinstance(scene, kind)], device)
            index = torch.tensor(mine, device=device)
            for frame in range(frames):
                progress = frame / max(1, frames - 1)
                clips[index, :, frame] = _levels(painter.paint(packed, view, progress))
    return clips


def _levels(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.mul(255).round().to(torch.uint8)


def signals(clips: torch.Tensor) -> torch.Tensor:
    """What the VAE takes: -1 to 1, float32."""
    return clips.float() / 127.5 - 1


class Pool:
    """Clips of one size, painted and kept on the device."""

    def __init__(self, seed: int, size: Size, count: int, device: str) -> None:
        drawn = draw(seed, size, count, moving=True)
        self.size = size
        self._clips = torch.empty(count, 3, FRAMES, *size, dtype=torch.uint8, device=device)
        start = 0
        for some in painted(drawn, size, device):
            self._clips[start : start + len(some)] = some
            start += len(some)

    def windows(self, count: int, frames: int, size: Size, lots: torch.Generator) -> torch.Tensor:
        """Windows of clips in space and time, count×3×frames×H×W, -1 to 1. ``lots`` is on the CPU."""
        bounds = (
            len(self._clips),
            FRAMES - frames + 1,
            *(a - b + 1 for a, b in zip(self.size, size, strict=True)),
        )
        places = torch.stack([torch.randint(0, one, (count,), generator=lots) for one in bounds], dim=1)
        found = [
            self._clips[clip, :, frame : frame + frames, row : row + size[0], column : column + size[1]]
            for clip, frame, row, column in places.tolist()
        ]
        return signals(torch.stack(found))

    def first(self, count: int) -> torch.Tensor:
        """The first whole clips, -1 to 1."""
        return signals(self._clips[:count])
