"""What families share that run diffusers' pipelines: devices, parts, steps, measured stages."""
