"""Latents of clips and pictures with several captions of each, kept on the device for a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan

from training.wan.clips import Size, draw, painted, signals
from training.wan.passes import encode
from training.wan.words import CAPTIONS, caption_tokens

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
    vae: AutoencoderKLWan, tokenizer: Path, seed: int, size: Size, frames: int, count: int, device: str
) -> Captioned:
    """Paint, encode and describe ``count`` scenes, of which clips move and single frames do not."""
    drawn = draw(seed, size, count, moving=frames > 1)
    found: list[torch.Tensor] = []
    mean, spread = (
        torch.tensor(values, device=device).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    for some in painted(drawn, size, device, frames):
        for few in torch.split(some, AT_ONCE * 33 // frames):
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                latents, _ = encode(vae, signals(few))
            found.append(((latents - mean) / spread).half())
    return Captioned(torch.cat(found), caption_tokens(drawn, tokenizer, seed).to(device))
