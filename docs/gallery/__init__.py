"""What the small checkpoints that come with ourvidz can paint, on a sheet: ``python -m docs.gallery``."""
