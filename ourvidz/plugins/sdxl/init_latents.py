"""From an init image to the latents that SDXL starts from."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL.Image import Image

from ourvidz.plugins.diffusion.stages import check_numbers
from ourvidz.plugins.sdxl.latent_scale import to_unet


class InitLatents:
    """An init image as its VAE sees it: a mean and a spread for every latent, of which a seed draws one."""

    def __init__(self, vae: Any, image: Image) -> None:
        """Encode an RGB picture; the VAE's factor has to divide its sides. Raises OutputInvalid."""
        vae_dtype: torch.dtype = vae.dtype
        # SDXL's VAE overflows in fp16 and says so by force_upcast.
        exact = torch.float32 if vae.config.force_upcast else vae_dtype
        levels = torch.from_numpy(np.array(image)).to(vae.device, exact)
        pixels = (levels / 127.5 - 1).permute(2, 0, 1).unsqueeze(0)
        parts = [part for part in (vae.encoder, vae.quant_conv) if part is not None]
        for part in parts:
            part.to(exact)
        try:
            self._distribution = vae.encode(pixels).latent_dist
        finally:
            for part in parts:
                part.to(vae_dtype)
        check_numbers(self._distribution.parameters, "latents of the init image")
        self._config = vae.config

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        """Latents of shape 1 × channels × height × width, scaled as the UNet knows them."""
        return to_unet(self._distribution.sample(generator), self._config)
