"""The scale of latents: the UNet's is that of the VAE's training data, brought to a spread of about one.

``config`` is the VAE's. Checkpoints such as Playground v2.5 have a mean and a spread for each channel.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor


def to_unet(latents: Tensor, config: Any) -> Tensor:
    """Latents of shape n × channels × height × width, from the VAE's scale to the UNet's."""
    statistics = _statistics(latents, config)
    if statistics is not None:
        mean, spread = statistics
        latents = (latents - mean) / spread
    scaled: Tensor = latents * config.scaling_factor
    return scaled


def to_vae(latents: Tensor, config: Any) -> Tensor:
    """Latents of shape n × channels × height × width, from the UNet's scale to the VAE's."""
    latents = latents / config.scaling_factor
    statistics = _statistics(latents, config)
    if statistics is not None:
        mean, spread = statistics
        latents = latents * spread + mean
    return latents


def _statistics(latents: Tensor, config: Any) -> tuple[Tensor, Tensor] | None:
    """Mean and spread of each channel, where the VAE has both."""
    mean, spread = config.get("latents_mean"), config.get("latents_std")
    if mean is None or spread is None:
        return None
    return latents.new_tensor(mean).view(1, -1, 1, 1), latents.new_tensor(spread).view(1, -1, 1, 1)
