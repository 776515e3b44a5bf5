"""Pictures of scenes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from training.world import landscapes, still_lifes
from training.world.canvas import whole
from training.world.scenes import Landscape, Scene, StillLife


def render(
    scenes: Sequence[Scene],
    height: int,
    width: int,
    *,
    device: torch.device | str = "cpu",
    when: float = 0.0,
) -> torch.Tensor:
    """The scenes' pictures in their order, B×3×height×width, sRGB from 0 to 1.

    ``when`` is the progress of the clip, 0 to 1. All are painted at once: long lists need as much memory.
    """
    view = whole(height, width, device)
    pictures = torch.empty(len(scenes), 3, height, width, device=device)
    still = [index for index, scene in enumerate(scenes) if isinstance(scene, StillLife)]
    open_air = [index for index, scene in enumerate(scenes) if isinstance(scene, Landscape)]
    if still:
        packed = still_lifes.pack([scene for scene in scenes if isinstance(scene, StillLife)], device)
        pictures[still] = still_lifes.paint(packed, view, when)
    if open_air:
        land = landscapes.pack([scene for scene in scenes if isinstance(scene, Landscape)], device)
        pictures[open_air] = landscapes.paint(land, view, when)
    return pictures
