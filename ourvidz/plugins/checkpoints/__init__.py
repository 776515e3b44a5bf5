"""Checkpoints on disk, looked at before torch is imported: layouts, weights' headers, digests."""
