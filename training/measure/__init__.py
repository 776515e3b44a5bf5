"""What a picture or a video shows, measured on its pixels."""

from __future__ import annotations

from training.measure.claims import holds

__all__ = ["holds"]
