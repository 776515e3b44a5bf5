"""Weights of a small checkpoint: random, but shaped so that a real picture comes out.

A trained SDXL tells noise from picture. Here eight channels of the UNet carry the four latents and
their negatives, past every block, down to the coarsest level and up again, smoothed on the way. The
last block subtracts this smooth copy from the latents and calls what is left the noise. So sampling,
with any sampler, takes the grain away and leaves soft shapes. The random weights of everything else
(text, attention, residual blocks) bend those shapes, by the prompt. The VAE's decoder carries the
latents in the same way and mixes them into colours; its encoder carries an init image's colours back
into latents.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from ourvidz.plugins.diffusion.drawn_weights import BLUR

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

#: Four latents and their negatives. In pairs, since silu(a) - silu(-a) = a: what a pair carries gets
#: through a normalisation and an activation unbent.
CARRIED = 8

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
#: Of what random weights add in the VAE's encoder, the share that stays: an init image is to be known again.
ENCODER_SHARE = 0.1

#: Logarithm of the variance with which the encoder draws latents, as in a real one far below the picture's.
ENCODER_LOGVAR = -4.0

TEXT_GAINS = {"position_embedding.weight": 0.1}


def shape_text_encoder(encoder: CLIPTextModel | CLIPTextModelWithProjection, marks: Iterable[int]) -> None:
    """Leave nothing in the tokens that every prompt has, so that prompts differ by their words."""
    embedding = encoder.get_input_embeddings().weight.data
    for mark in marks:
        embedding[mark] = 0


def shape_unet(unet: UNet2DConditionModel) -> None:
    """Let the carried channels through, and predict as noise what the smooth copy does not have."""
    _spread(unet.conv_in, torch.eye(CARRIED // 2), KEEP)
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
    """Let the carried channels through, from colours to latents in the encoder and back in the decoder."""
    same = torch.eye(CARRIED // 2)
    vae.post_quant_conv.weight.data.copy_(same[:, :, None, None])
    _spread(vae.decoder.conv_in, same, BLUR * vae.config.scaling_factor)
    for block in vae.decoder.up_blocks:
        _let_through(block)
    _gather(vae.decoder.conv_out, COLOURS)
    vae.quant_conv.weight.data.copy_(torch.eye(CARRIED)[:, :, None, None])
    _spread(vae.encoder.conv_in, torch.linalg.pinv(COLOURS), KEEP)
    for block in (*vae.encoder.down_blocks, vae.encoder.mid_block):
        _let_through(block)
        for resnet in block.resnets:
            resnet.conv2.weight.data *= ENCODER_SHARE
    vae.encoder.conv_out.weight.data.zero_()
    _gather(vae.encoder.conv_out, same / vae.config.scaling_factor)
    # Behind the means come the logarithms of the variances.
    vae.encoder.conv_out.bias.data[CARRIED // 2 :] = ENCODER_LOGVAR


def _spread(convolution: Any, mix: torch.Tensor, kernel: torch.Tensor) -> None:
    """Latent i, the sum of mix[i, c] times input c, goes to channel 2i, its negative to channel 2i+1."""
    weight = convolution.weight.data
    weight[:CARRIED] = 0
    for latent, shares in enumerate(mix):
        for channel, share in enumerate(shares):
            weight[2 * latent, channel] = kernel * share
            weight[2 * latent + 1, channel] = -kernel * share


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
