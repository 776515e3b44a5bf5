"""What a picture or a video shows, measured on its pixels."""

from __future__ import annotations

from training.measure.claims import holds, holds_video

__all__ = ["holds", "holds_video"]
