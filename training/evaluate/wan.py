"""Paints cases with a WAN checkpoint, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import WanPipeline

from training.evaluate.cases import Case
from training.evaluate.measuring import Pixels
from training.evaluate.settings import Settings
from training.world.render import render

#: Of every text, padding and all.
TEXT_TOKENS = 512

#: Pixels of the videos that a GPU denoises at a time, and of those that it encodes or decodes.
DENOISED, DECODED = 16 * 33 * 416 * 240, 4 * 33 * 416 * 240


class VideoPainter:
    """A checkpoint as WanPipeline loads it: bfloat16 on a GPU but for the VAE, else float32."""

    def __init__(self, checkpoint: Path, device: str) -> None:
        self._device = device
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        pipeline: Any = WanPipeline.from_pretrained(checkpoint, dtype=dtype).to(device)
        pipeline.vae.float()
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline
        vae = pipeline.vae.config
        self._mean, self._spread = (
            torch.tensor(values, device=device).view(1, -1, 1, 1, 1)
            for values in (vae.latents_mean, vae.latents_std)
        )

    @property
    def scheduler(self) -> str:
        return type(self._pipeline.scheduler).__name__

    @torch.inference_mode()
    def paint(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]:
        """Each case with its video, uint8 of T×H×W×3."""
        for some in self._batches(cases, settings, DENOISED):
            embeddings = self._read([*(case.caption.text for case in some), ""])
            latents = self._pipeline(
                prompt_embeds=embeddings[:-1],
                negative_prompt_embeds=embeddings[-1:].expand(len(some), -1, -1),
                width=settings.width,
                height=settings.height,
                num_frames=settings.frames,
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                # On the CPU, so that a seed means the same noise on every device.
                generator=[torch.Generator("cpu").manual_seed(case.seed + settings.seed) for case in some],
                output_type="latent",
            ).frames
            most = self._count(settings, DECODED)
            videos = (video for part in torch.split(latents.float(), most) for video in self._decode(part))
            yield from zip(some, videos, strict=True)

    @torch.inference_mode()
    def reconstruct(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]:
        """The scenes' renderings through the VAE, and back."""
        for some in self._batches(cases, settings, DECODED):
            scenes = [case.scene for case in some]
            moments = [frame / max(1, settings.frames - 1) for frame in range(settings.frames)]
            size = settings.height, settings.width
            clips = torch.stack(
                [render(scenes, *size, device=self._device, when=moment) for moment in moments], dim=2
            )
            latents = self._pipeline.vae.encode(clips * 2 - 1).latent_dist.mode()
            yield from zip(some, self._decode((latents - self._mean) / self._spread), strict=True)

    def _read(self, texts: list[str]) -> torch.Tensor:
        """Embeddings as WanPipeline makes them, which cleans texts with a library that training lacks."""
        tokens = self._pipeline.tokenizer(
            texts, padding="max_length", max_length=TEXT_TOKENS, truncation=True, return_tensors="pt"
        ).to(self._device)
        found = self._pipeline.text_encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
        seen: torch.Tensor = found * tokens.attention_mask[:, :, None]
        return seen

    def _batches(self, cases: Sequence[Case], settings: Settings, pixels: int) -> Iterator[Sequence[Case]]:
        count = self._count(settings, pixels)
        for start in range(0, len(cases), count):
            yield cases[start : start + count]

    def _count(self, settings: Settings, pixels: int) -> int:
        """How many videos at a time have so many pixels; one where there is no GPU."""
        if self._device != "cuda":
            return 1
        return max(1, pixels // (settings.width * settings.height * settings.frames))

    def _decode(self, latents: torch.Tensor) -> list[Pixels]:
        pixels = self._pipeline.vae.decode(latents * self._spread + self._mean).sample
        if not torch.isfinite(pixels).all():
            raise ValueError("found pixels that are no numbers, expected a video")
        levels = (pixels / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        return list(np.ascontiguousarray(levels.permute(0, 2, 3, 4, 1).cpu().numpy()))
