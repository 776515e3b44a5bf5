"""Latents of pictures with their captions."""

from __future__ import annotations

import copy

import torch
from diffusers import AutoencoderKL

from training.captioned import Captioned
from training.world.described import Described
from training.world.painting import Size, paint, signals

#: Pixels that are painted and encoded at a time.
AT_ONCE = 16 * 1024 * 1024

#: Share of the landscapes in what is learnt from. They have more in them, and smaller, than still lifes.
LANDSCAPES = 0.8


@torch.no_grad()
def captioned(
    vae: AutoencoderKL, described: Described, size: Size, device: str, *, compiled: bool
) -> Captioned:
    """Paint and encode scenes that are described; ``compiled`` pays from some thousand on."""
    # A copy in half precision, whose normalisation reads and writes half as much.
    encoder = copy.deepcopy(vae).to(torch.bfloat16, memory_format=torch.channels_last).eval()
    encode = torch.compile(encoder.encoder, dynamic=False) if compiled else encoder.encoder
    at_once = max(1, AT_ONCE // (size[0] * size[1]))
    latents = []
    for clips in paint(described, size, device, at_once=at_once, compiled=compiled):
        pictures = signals(clips[:, :, 0]).bfloat16()
        some = len(pictures)
        if compiled and some < at_once:
            # So that there is one program.
            pictures = torch.cat([pictures, pictures.new_zeros(at_once - some, *pictures.shape[1:])])
        mean, logvar = encoder.quant_conv(encode(pictures))[:some].float().chunk(2, dim=1)
        sample = mean + torch.exp(0.5 * logvar.clamp(-30, 20)) * torch.randn_like(mean)
        latents.append((sample * vae.config.scaling_factor).half())
    assert described.tokens is not None
    tokens = torch.from_numpy(described.tokens).to(device)
    return Captioned(torch.cat(latents), tokens, described.weights(LANDSCAPES).to(device))
