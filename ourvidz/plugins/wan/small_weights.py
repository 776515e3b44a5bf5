"""Weights of a small checkpoint: random, but shaped so that a moving picture comes out.

A trained WAN predicts the flow from video to noise, v = (x - video) / sigma, with x what it sees at
noise level sigma. Here the video is guessed as the latents themselves, blurred in space and time: the
first block's attention looks by position alone, through the rotary embedding, at what is near. So
sampling, with any number of steps, takes the grain away and leaves soft shapes that drift. Random
weights of everything else (text, cross attention, feed-forward layers) bend the guess, by the prompt.

A token's channels in the transformer, of 96:

- 0 to 63: the 16 latent channels of its 2x2 patch, as they came in;
- 64 to 79: the guess of the video, one value for each latent channel;
- 80, 81: a constant and its negative, so large that the last normalisation hardly bends the rest;
- 82 to 95: random.

The VAE's decoder mixes the latents into colours at once and carries those through every level.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from ourvidz.plugins.diffusion.drawn_weights import BLUR

if TYPE_CHECKING:
    from diffusers import AutoencoderKLWan, WanTransformer3DModel
    from transformers import UMT5EncoderModel

LATENTS = 16
PATCH = 4
SEEN = slice(0, LATENTS * PATCH)
GUESS = slice(LATENTS * PATCH, LATENTS * PATCH + LATENTS)
PLUS, MINUS = 80, 81

#: Size of the constant: the latents' own energy, about 64, is little beside its square.
CONSTANT = 30.0

#: How far each of two heads of the first block looks, as standard deviations of a bell curve, in latent
#: frames, and in tokens (16 pixels) both ways; with the share that it has in the guess. By eye.
LOOKS = ((1.0, 1.4, 2.0), (0.7, 0.6, 0.6))

#: Noise levels between which the time embedding's 1 / sigma is interpolated.
KNOTS = (0.02, 0.035, 0.06, 0.1, 0.16, 0.25, 0.4, 0.65, 1.0)

#: Sharpness of the bends at the knots.
BEND = 400.0

#: Strength of what random weights add, by the end of the parameter's name; chosen by eye.
TRANSFORMER_GAINS = {"time_proj.weight": 0.001, "ffn.net.2.weight": 0.3, "attn2.to_out.0.weight": 0.8}
VAE_GAINS = {"conv2.weight": 0.05, "proj.weight": 0.1}

#: Channels of the decoder that carry three colours, and one that carries a constant, against which the
#: last normalisation measures them; it is all that the published structure has at a width of 4.
CARRIED = 4

#: That constant: the larger, the paler.
MEASURE = 0.5

#: Red, green and blue of what is carried, and of a place that carries nothing. The activation before
#: takes most of what is negative away.
COLOURS = torch.tensor([[0.65, 0.35, 0.0], [0.6, -0.1, 0.35], [0.5, -0.2, 0.2]])
GROUND = torch.tensor([-0.35, -0.4, -0.2])


def shape_text_encoder(encoder: UMT5EncoderModel, end: int) -> None:
    """Leave nothing in the mark that every prompt ends with, so that prompts differ by their words."""
    encoder.shared.weight.data[end] = 0


def shape_transformer(transformer: WanTransformer3DModel) -> None:
    """Let it predict (x - guess) / sigma."""
    width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
    _let_patches_in(transformer.patch_embedding)
    for block in transformer.blocks:
        block.scale_shift_table.data.zero_()
        # Both gates open; scales and shifts add nothing.
        block.scale_shift_table.data[:, (2, 5)] = 1
        for layer in (block.attn1.to_out[0], block.attn2.to_out[0], block.ffn.net[2]):
            # What comes in stays as it is, and so do the constants.
            layer.weight.data[SEEN] = 0
            layer.weight.data[[PLUS, MINUS]] = 0
    first, last = transformer.blocks[0], transformer.blocks[-1]
    _look_around(first.attn1, heads=transformer.config.num_attention_heads)
    last.attn2.to_out[0].bias.data[[PLUS, MINUS]] = torch.tensor([CONSTANT, -CONSTANT])
    _embed_inverse_noise(transformer.condition_embedder.time_embedder)
    transformer.scale_shift_table.data.zero_()
    _predict_flow(transformer.proj_out, level=CONSTANT * math.sqrt(2 / width))


def _let_patches_in(convolution: Any) -> None:
    """Channel 4c + p is place p of the patch in latent channel c."""
    weight = convolution.weight.data
    weight[: MINUS + 1] = 0
    for channel in range(LATENTS):
        for place in range(PATCH):
            weight[PATCH * channel + place, channel, 0, place // 2, place % 2] = 1


def _look_around(attention: Any, *, heads: int) -> None:
    """Let the first heads blur: constant queries and keys, whose product falls off with distance.

    The rotary embedding turns pair i of an axis by distance · 10000^(-i/pairs). Of two equal constants
    a the product is 2a² · cos(turn), whose exponential is about a bell curve of variance
    √d / (2a² · turn²), d being the channels of a head.
    """
    width = attention.to_q.weight.shape[0] // heads
    pairs = width // 6
    turn = 10_000 ** (-1 / pairs)
    for head, (time, space, share) in enumerate(LOOKS):
        start = head * width
        mine = slice(start, start + width)
        for projection, norm in ((attention.to_q, attention.norm_q), (attention.to_k, attention.norm_k)):
            projection.weight.data[mine] = 0
            projection.bias.data[mine] = 1
            norm.weight.data[mine] = 0
            for axis, reach in enumerate((time, space, space)):
                pair = start + 2 * (axis * pairs + 1)
                norm.weight.data[pair : pair + 2] = math.sqrt(math.sqrt(width) / 2) / (turn * reach)
        attention.to_v.weight.data[mine] = 0
        attention.to_out[0].weight.data[GUESS, mine] = 0
        for channel in range(LATENTS):
            attention.to_v.weight.data[start + channel, PATCH * channel : PATCH * (channel + 1)] = 1 / PATCH
            attention.to_out[0].weight.data[GUESS.start + channel, start + channel] = share


def _embed_inverse_noise(embedder: Any) -> None:
    """Let every channel of the embedding of timestep t be 1 / sigma - 1, with sigma = t / 1000.

    The slowest sine feature is a straight line over all timesteps. Hidden unit i bends at knot i, and
    together they are the broken line through 1 / sigma at the knots.
    """
    features = embedder.linear_1.weight.shape[1]
    slowest = 10_000 ** (-(features // 2 - 1) / (features // 2))
    slopes = [(1 / b - 1 / a) / (b - a) for a, b in pairwise(KNOTS)]
    bends = [-after for after in slopes]
    for index, before in enumerate(slopes[1:], start=1):
        bends[index - 1] += before
    embedder.linear_1.weight.data.zero_()
    embedder.linear_2.weight.data.zero_()
    embedder.linear_2.bias.data.fill_(1 / KNOTS[-1] - 1)
    # Each unit is the part of the line left of its right knot: relu(knot - sigma), smoothly bent.
    for unit, (knot, bend) in enumerate(zip(KNOTS[1:], bends, strict=True)):
        embedder.linear_1.weight.data[unit, -1] = -BEND / (1000 * slowest)
        embedder.linear_1.bias.data[unit] = BEND * knot
        embedder.linear_2.weight.data[:, unit] = bend / BEND


def _predict_flow(projection: Any, *, level: float) -> None:
    """Put the patch back together: what was seen less the guess, at the size it had before the norm.

    What the time embedding adds to every channel alike goes away in the difference.
    """
    weight = projection.weight.data
    weight.zero_()
    for place in range(PATCH):
        for channel in range(LATENTS):
            # The transformer's output has a patch's places first, the channels of each within.
            row = weight[place * LATENTS + channel]
            row[PATCH * channel + place] = level
            row[GUESS.start + channel] = -level


def shape_vae(vae: AutoencoderKLWan) -> None:
    """Mix the latents into colours, carry them through the decoder, and show them."""
    decoder = vae.decoder
    vae.post_quant_conv.weight.data.copy_(torch.eye(vae.config.z_dim)[:, :, None, None, None])
    _mix(decoder.conv_in, torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std))
    for block in decoder.up_blocks:
        _let_through(block)
    _show(decoder.conv_out)


def _mix(convolution: Any, mean: torch.Tensor, spread: torch.Tensor) -> None:
    """Three independent mixes of the latents, blurred, of the frame that is decoded."""
    weight, bias = convolution.weight.data, convolution.bias.data
    places = torch.arange(len(mean)) + 0.5
    weight[:CARRIED] = 0
    for colour in range(len(COLOURS)):
        # Rows of a cosine transform: orthogonal, and none of a single latent channel.
        mix = torch.cos(math.pi / len(mean) * (colour + 1) * places) * math.sqrt(2 / len(mean)) / spread
        weight[colour, :, -1] = mix[:, None, None] * BLUR
        bias[colour] = -(mix * mean).sum()
    bias[CARRIED - 1] = MEASURE


def _let_through(block: Any) -> None:
    """Carry channels over every convolution of a block that has no shortcut around it."""
    for resnet in block.resnets:
        if not isinstance(resnet.conv_shortcut, torch.nn.Identity):
            _carry(resnet.conv_shortcut.weight.data, torch.ones(1, 1, 1))
    for sampler in block.upsamplers or ():
        _carry(sampler.resample[1].weight.data, BLUR)
        if hasattr(sampler, "time_conv"):
            # One frame becomes two: half way from the one before, and itself.
            halves = sampler.time_conv.weight.data.chunk(2)
            _carry(halves[0], torch.tensor([0.0, 0.5, 0.5])[:, None, None])
            _carry(halves[1], torch.tensor([0.0, 0.0, 1.0])[:, None, None])


def _carry(weight: torch.Tensor, kernel: torch.Tensor) -> None:
    weight[:CARRIED] = 0
    for channel in range(CARRIED):
        weight[channel, channel] = kernel


def _show(convolution: Any) -> None:
    convolution.weight.data.zero_()
    convolution.weight.data[:, : len(COLOURS), -1, 1, 1] = COLOURS
    convolution.bias.data.copy_(GROUND)
