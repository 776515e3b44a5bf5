"""diffusers' image to image, started from latents."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import StableDiffusionXLImg2ImgPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils.torch_utils import randn_tensor


def repainting_pipeline(pipeline: Any) -> Any:
    """Image to image with the very same parts in memory; ``pipeline`` is diffusers' text to image."""
    repainting = _FromLatents(**pipeline.components, add_watermarker=False)
    repainting.image_processor = VaeImageProcessor(
        vae_scale_factor=repainting.vae_scale_factor, vae_latent_channels=pipeline.vae.config.latent_channels
    )
    repainting.set_progress_bar_config(disable=True)
    return repainting


class _FromLatents(StableDiffusionXLImg2ImgPipeline):  # type: ignore[misc]
    """Takes latents of its VAE as the image, whatever their channels; diffusers' own knows those of four."""

    def prepare_latents(
        self,
        image: torch.Tensor,
        timestep: torch.Tensor,
        batch_size: int,
        num_images_per_prompt: int,
        dtype: torch.dtype,
        device: torch.device,
        generator: torch.Generator | None = None,
        add_noise: bool = True,
    ) -> torch.Tensor:
        """Latents of shape n × channels × height × width, with the noise of ``timestep`` on them."""
        latents = image.to(device=device, dtype=dtype)
        noise = randn_tensor(latents.shape, generator=generator, device=device, dtype=dtype)
        noisy: torch.Tensor = self.scheduler.add_noise(latents, noise, timestep)
        return noisy
