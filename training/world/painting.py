"""Paints many scenes, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from training.world.canvas import whole
from training.world.described import PAINTERS, Described

#: Height and width in pixels.
Size = tuple[int, int]


@torch.no_grad()
def paint(
    described: Described, size: Size, device: str, *, frames: int = 1, at_once: int, compiled: bool = False
) -> Iterator[torch.Tensor]:
    """B×3×F×H×W, uint8, in the scenes' order; the first of one frame is how a clip begins.

    ``compiled`` pays from some thousand pictures on: painting takes hundreds of passes over a picture, and
    then a few.
    """
    view = whole(*size, device)
    for kind, fields in described.packed.items():
        painter = PAINTERS[kind]
        brush = torch.compile(painter.paint, dynamic=False) if compiled else painter.paint
        count = described.counts[kind]
        for start in range(0, count, at_once):
            # Always as many, so that there is one program; what is too much begins anew.
            index = (
                torch.arange(start, start + at_once) % count if compiled else slice(start, start + at_once)
            )
            packed = _packed(painter, fields, index, device)
            some = min(at_once, count - start)
            clips = torch.empty(some, 3, frames, *size, dtype=torch.uint8, device=device)
            for frame in range(frames):
                when = torch.full(
                    (some if not compiled else at_once,), frame / max(1, frames - 1), device=device
                )
                pictures = brush(packed, view, when)[:some]
                clips[:, :, frame] = pictures.mul(255).round().to(torch.uint8)
            yield clips


def _packed(painter: Any, fields: dict[str, Any], index: Any, device: str) -> Any:
    return painter.Packed(**{name: torch.from_numpy(one)[index].to(device) for name, one in fields.items()})


def signals(clips: torch.Tensor) -> torch.Tensor:
    """What a VAE takes: -1 to 1, float32."""
    return clips.float() / 127.5 - 1
