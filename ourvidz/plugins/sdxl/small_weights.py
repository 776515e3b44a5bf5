"""Weights of a small checkpoint: random, but shaped so that a real picture comes out.

A trained SDXL tells noise from picture. Here eight channels of the UNet carry the four latents and
their negatives, past every block, down to the coarsest level and up again, smoothed on the way. The
last block subtracts this smooth copy from the latents and calls what is left the noise. So sampling,
with any sampler, takes the grain away and leaves soft shapes. The random weights of everything else
(text, attention, residual blocks) bend those shapes, by the prompt. The VAE's decoder carries the
latents in the same way and mixes them into colours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

#: Four latents and their negatives. In pairs, since silu(a) - silu(-a) = a: what a pair carries gets
#: through a normalisation and an activation unbent.
CARRIED = 8

#: A binomial 3×3 blur, for going down and up between levels.
BLUR = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16

#: A 3×3 convolution that changes nothing.
KEEP = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])

#: How much of the smooth copy counts as picture; the rest fades, so that shapes stay soft.
SMOOTH_SHARE = 0.8

#: Red, green and blue of each latent: brightness, and three ways to be colourful.
COLOURS = torch.tensor([[0.30, 0.28, 0.02, 0.12], [0.30, -0.05, 0.22, -0.10], [0.30, -0.22, -0.20, 0.16]])

#: Strength of what random weights add, by the end of the parameter's name; chosen by eye: more of it
#: leaves grain, less of it one colour.
UNET_GAINS = {"conv2.weight": 0.05, "proj_out.weight": 0.12}
VAE_GAINS = {"conv2.weight": 0.5}
TEXT_GAINS = {"position_embedding.weight": 0.1}


def shape_text_encoder(encoder: CLIPTextModel | CLIPTextModelWithProjection, marks: Iterable[int]) -> None:
    """Leave nothing in the tokens that every prompt has, so that prompts differ by their words."""
    embedding = encoder.get_input_embeddings().weight.data
    for mark in marks:
        embedding[mark] = 0


def shape_unet(unet: UNet2DConditionModel) -> None:
    """Let the carried channels through, and predict as noise what the smooth copy does not have."""
    _spread(unet.conv_in, KEEP)
    for block in (*unet.down_blocks, *unet.up_blocks):
        _let_through(block)
    last = unet.up_blocks[-1].resnets[-1].conv_shortcut
    # Its input is the smooth copy's channels, then those of conv_in, as many as it puts out.
    latents = last.in_channels - last.out_channels
    for channel in range(CARRIED):
        last.weight.data[channel] = 0
        last.weight.data[channel, channel] = -SMOOTH_SHARE
        last.weight.data[channel, latents + channel] = 1
    unet.conv_out.weight.data.zero_()
    _gather(unet.conv_out, torch.eye(CARRIED // 2))


def shape_vae(vae: AutoencoderKL) -> None:
    """Let the carried channels through the decoder and mix them into colours."""
    vae.post_quant_conv.weight.data.copy_(torch.eye(CARRIED // 2)[:, :, None, None])
    _spread(vae.decoder.conv_in, BLUR * vae.config.scaling_factor)
    for block in vae.decoder.up_blocks:
        _let_through(block)
    _gather(vae.decoder.conv_out, COLOURS)


def _spread(convolution: Any, kernel: torch.Tensor) -> None:
    """Latent i goes to channel 2i, its negative to channel 2i+1."""
    weight = convolution.weight.data
    weight[:CARRIED] = 0
    for latent in range(CARRIED // 2):
        weight[2 * latent, latent] = kernel
        weight[2 * latent + 1, latent] = -kernel


def _gather(convolution: Any, mix: torch.Tensor) -> None:
    """Output c is the sum of mix[c, i] times latent i, from its two channels."""
    for output, shares in enumerate(mix):
        for latent, share in enumerate(shares):
            convolution.weight.data[output, 2 * latent] = KEEP * share
            convolution.weight.data[output, 2 * latent + 1] = -KEEP * share


def _let_through(block: Any) -> None:
    """Carry channels over every convolution of a block that has no shortcut around it."""
    for sampler in (
        *(getattr(block, "downsamplers", None) or ()),
        *(getattr(block, "upsamplers", None) or ()),
    ):
        _carry(sampler.conv, BLUR)
    for resnet in block.resnets:
        if resnet.conv_shortcut is not None:
            _carry(resnet.conv_shortcut, torch.ones(1, 1))


def _carry(convolution: Any, kernel: torch.Tensor) -> None:
    weight = convolution.weight.data
    weight[:CARRIED] = 0
    for channel in range(CARRIED):
        weight[channel, channel] = kernel
