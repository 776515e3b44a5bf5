"""The VAE's passes over whole clips, as training needs them.

``AutoencoderKLWan`` goes through a clip in chunks of four frames, which saves memory, and clamps what it
decodes, which hides how far off it is. Its layers are causal and keep what they need of earlier frames, so
all frames after the first can pass as one chunk, with the same result.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify


def encode(vae: AutoencoderKLWan, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and logarithm of the variance of the latents of B×3×F×H×W frames, -1 to 1, F being 4k+1.

    Both are float32, B×channels×(k+1)×H/8×W/8.
    """
    if vae.config.patch_size is not None:
        frames = patchify(frames, vae.config.patch_size)
    found = vae.quant_conv(_in_two(vae.encoder, frames, vae._cached_conv_counts["encoder"]))
    mean, logvar = found.float().chunk(2, dim=1)
    return mean, logvar.clamp(-30, 20)


def decode(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    """Frames, B×3×F×H×W, of latents. Not clamped to -1 to 1."""
    found = _in_two(vae.decoder, vae.post_quant_conv(latents), vae._cached_conv_counts["decoder"])
    frames: torch.Tensor = unpatchify(found, vae.config.patch_size or 1)
    return frames


def _in_two(layers: Any, video: torch.Tensor, convolutions: int) -> torch.Tensor:
    kept: list[Any] = [None] * convolutions
    chunks = [layers(video[:, :, :1], feat_cache=kept, feat_idx=[0])]
    if video.shape[2] > 1:
        chunks.append(layers(video[:, :, 1:], feat_cache=kept, feat_idx=[0]))
    return torch.cat(chunks, dim=2)
