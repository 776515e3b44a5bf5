"""Paints cases with an SDXL checkpoint, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

from training.evaluate.cases import Case
from training.evaluate.measuring import Pixels
from training.evaluate.settings import Settings
from training.world.render import render

#: Pixels of the pictures that a GPU denoises at a time, and of those that it encodes or decodes.
DENOISED, DECODED = 32 * 1024**2, 8 * 1024**2


class PicturePainter:
    """A checkpoint as diffusers' pipelines load it: float16 on a GPU but for the VAE, else float32."""

    def __init__(self, checkpoint: Path, device: str) -> None:
        self._device = device
        dtype = torch.float16 if device == "cuda" else torch.float32
        pipeline: Any = StableDiffusionXLPipeline.from_pretrained(checkpoint)
        pipeline.to(device, dtype)
        pipeline.vae.float()
        # Otherwise img2img would give it pictures in the UNet's type.
        pipeline.vae.register_to_config(force_upcast=True)
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline
        self._repainting: Any = StableDiffusionXLImg2ImgPipeline(**pipeline.components, add_watermarker=False)
        self._repainting.set_progress_bar_config(disable=True)

    @property
    def scheduler(self) -> str:
        return type(self._pipeline.scheduler).__name__

    @torch.inference_mode()
    def paint(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]:
        """Each case with its picture, uint8 of H×W×3."""
        for some in self._batches(cases, settings):
            latents = self._pipeline(
                **self._asked(some, settings), width=settings.width, height=settings.height
            ).images
            yield from zip(some, self._decode(latents), strict=True)

    @torch.inference_mode()
    def repaint(
        self, inits: Sequence[Case], cases: Sequence[Case], settings: Settings, strength: float
    ) -> Iterator[tuple[Case, Case, Pixels]]:
        """Each init's rendering painted over by a case's caption; with both."""
        pairs = dict(zip(map(id, cases), inits, strict=True))
        for some in self._batches(cases, settings):
            # As pixels: of latents the pipeline knows only those with four channels.
            pictures = self._render([pairs[id(case)] for case in some], settings)
            painted = self._repainting(
                **self._asked(some, settings), image=pictures, strength=strength
            ).images
            # It leaves the VAE in the UNet's type.
            self._pipeline.vae.float()
            for case, pixels in zip(some, self._decode(painted), strict=True):
                yield pairs[id(case)], case, pixels

    @torch.inference_mode()
    def reconstruct(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]:
        """The scenes' renderings through the VAE, and back."""
        for some in self._batches(cases, settings):
            yield from zip(some, self._decode(self._encode(some, settings)), strict=True)

    def _batches(self, cases: Sequence[Case], settings: Settings) -> Iterator[Sequence[Case]]:
        count = max(1, DENOISED // (settings.width * settings.height)) if self._device == "cuda" else 1
        for start in range(0, len(cases), count):
            yield cases[start : start + count]

    def _asked(self, cases: Sequence[Case], settings: Settings) -> dict[str, Any]:
        return {
            "prompt": [case.caption.text for case in cases],
            "num_inference_steps": settings.steps,
            "guidance_scale": settings.guidance,
            # On the CPU, so that a seed means the same noise on every device.
            "generator": [torch.Generator("cpu").manual_seed(case.seed + settings.seed) for case in cases],
            "output_type": "latent",
        }

    def _render(self, cases: Sequence[Case], settings: Settings) -> torch.Tensor:
        return render([case.scene for case in cases], settings.height, settings.width, device=self._device)

    def _encode(self, cases: Sequence[Case], settings: Settings) -> torch.Tensor:
        """Latents of renderings, as the UNet sees them."""
        vae = self._pipeline.vae
        pictures = self._render(cases, settings)
        parts = torch.split(pictures, max(1, DECODED // (settings.width * settings.height)))
        latents = torch.cat([vae.encode(part * 2 - 1).latent_dist.mode() for part in parts])
        scaled: torch.Tensor = latents * vae.config.scaling_factor
        return scaled

    def _decode(self, latents: torch.Tensor) -> Iterator[Pixels]:
        vae = self._pipeline.vae
        pixels_of_latent = self._pipeline.vae_scale_factor**2
        most = max(1, DECODED // (pixels_of_latent * latents.shape[2] * latents.shape[3]))
        for part in torch.split(latents.float(), most):
            pixels = vae.decode(part / vae.config.scaling_factor).sample
            if not torch.isfinite(pixels).all():
                raise ValueError("found pixels that are no numbers, expected a picture")
            levels = (pixels / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
            yield from np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())
