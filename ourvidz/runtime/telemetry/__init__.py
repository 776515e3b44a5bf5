"""What a worker tells whoever watches it, over HTTP."""
