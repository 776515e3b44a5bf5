"""Frames of several clips on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

#: Frames of each clip, evenly spaced.
SHOWN = 5


def save_clips(clips: Sequence[torch.Tensor], file: Path) -> None:
    """Save clips, each 1×3×F×H×W from -1 to 1, one below the other."""
    rows = []
    for clip in clips:
        last = clip.shape[2] - 1
        rows.append(torch.cat([clip[0, :, last * index // (SHOWN - 1)] for index in range(SHOWN)], dim=2))
    sheet = torch.cat(rows, dim=1)
    levels = (sheet.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    image = Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())
    image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(file)
