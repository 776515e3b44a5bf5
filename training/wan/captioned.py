"""Latents of clips and pictures with several captions of each, kept on the device for a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKLWan

from training.wan.clips import FRAMES, Size, paint, signals
from training.wan.passes import encode
from training.wan.portions import Portion
from training.wan.words import CAPTIONS

#: Clips that the VAE reads at a time.
AT_ONCE = 16


@dataclass(frozen=True)
class Captioned:
    """Clips of one size, or pictures."""

    latents: torch.Tensor
    """N×16×F×H/8×W/8, float16, as the transformer sees them."""
    tokens: torch.Tensor
    """N×CAPTIONS×LONGEST."""

    def batch(self, count: int, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents in float32, and tokens."""
        device = self.latents.device
        index = torch.randint(0, len(self.latents), (count,), generator=draws, device=device)
        which = torch.randint(0, CAPTIONS, (count,), generator=draws, device=device)
        return self.latents[index].float(), self.tokens[index, which].long()


@torch.no_grad()
def captioned(
    vae: AutoencoderKLWan, portions: Sequence[Portion], size: Size, frames: int, device: str
) -> Captioned:
    """Paint and encode scenes that are described."""
    latents: list[torch.Tensor] = []
    mean, spread = (
        torch.tensor(values, device=device).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    for portion in portions:
        for few in torch.split(paint(portion, size, device, frames), AT_ONCE * FRAMES // frames):
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                found, _ = encode(vae, signals(few))
            latents.append(((found - mean) / spread).half())
    tokens = [torch.from_numpy(portion.tokens) for portion in portions]
    return Captioned(torch.cat(latents), torch.cat(tokens).to(device))
