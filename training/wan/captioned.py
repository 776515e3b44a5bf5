"""Latents of clips and pictures with their captions."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan

from training.captioned import Captioned
from training.wan.clips import AT_ONCE, FRAMES
from training.wan.passes import encode
from training.world.described import Described
from training.world.painting import Size, paint, signals

#: Clips that the VAE reads at a time.
READ_AT_ONCE = 16

#: Share of the landscapes in what is learnt from. In pictures as small as a video's, what a solid is made
#: of and which one it is takes as long to learn.
LANDSCAPES = 0.5


@torch.no_grad()
def captioned(
    vae: AutoencoderKLWan, described: Described, size: Size, frames: int, device: str, *, compiled: bool
) -> Captioned:
    """Paint and encode scenes that are described; ``compiled`` pays from some thousand on."""
    latents: list[torch.Tensor] = []
    mean, spread = (
        torch.tensor(values, device=device).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    for clips in paint(described, size, device, frames=frames, at_once=AT_ONCE, compiled=compiled):
        for few in torch.split(clips, READ_AT_ONCE * FRAMES // frames):
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                found, _ = encode(vae, signals(few))
            latents.append(((found - mean) / spread).half())
    assert described.tokens is not None
    tokens = torch.from_numpy(described.tokens).to(device)
    return Captioned(torch.cat(latents), tokens, described.weights(LANDSCAPES).to(device))
