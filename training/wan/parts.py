"""The parts of the small WAN checkpoint: every class of a real one, in sizes that two CPU cores can bear.

Of 12 MB in fp16 about 5.9 million parameters are there to be shared: 4.0 go to the transformer, 1.45 to
the VAE, 0.4 to the text encoder. A demonstration video, 33 frames of 240x416, has 3510 tokens in the
transformer, and what takes the time there is attention, which grows with width times depth, while the
parameters grow with width squared times depth. Seconds of two cores for the 30 passes of a video:

====================  ==========  =======
width x layers        parameters  seconds
====================  ==========  =======
192 x 8, 3 heads      4.54 M      31
192 x 7, 3 heads      4.02 M      29
192 x 7, 6 heads      4.02 M      31
256 x 4, 2 heads      4.32 M      21
====================  ==========  =======

Seven layers, since who stands where and in which colour takes several looks.

The VAE's time goes to its widest level. torch has a fast convolution of videos for tensors with more
than 20480 channels x frames x rows, and a slow one, a sixth as fast, for the rest. Four frames are decoded
at a time with two kept from before, so a landscape of 240 rows needs 15 channels at full size and 28 at
half size. Folding 2x2 pixels into channels first (``patch_size``, as WAN 2.2 does) instead of the first
halving leaves out the level that costs most. Seconds of two cores to decode a video:

=====================================================  ==========  =======
settings                                               parameters  seconds
=====================================================  ==========  =======
base 16, dim_mult 1 1 2 2                              0.70 M      12.7
base 16, decoder 24, dim_mult 1 2 3, patches of 2      2.04 M       9.3
base 16, decoder 32, dim_mult 1 2 2, patches of 2      1.80 M       6.2
base 16, decoder 28, dim_mult 1 2 2, patches of 2      1.45 M       5.2
=====================================================  ==========  =======
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from torch.nn import functional
from transformers import UMT5Config, UMT5EncoderModel

from ourvidz.plugins.wan.published import SCHEDULER

#: Width of the text encoder.
TEXT_WIDTH = 128

#: Tokens of every text that the transformer attends to, zeros where it is shorter (``text_len`` of the
#: published settings).
TEXT_TOKENS = 512


def scheduler() -> UniPCMultistepScheduler:
    return UniPCMultistepScheduler(**SCHEDULER)


def vae() -> AutoencoderKLWan:
    made = AutoencoderKLWan(
        base_dim=16,
        decoder_base_dim=28,
        z_dim=16,
        dim_mult=[1, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        patch_size=2,
    )
    # Latents are to begin almost without noise, through which the decoder would see nothing for long.
    torch.nn.init.constant_(made.quant_conv.bias[made.z_dim :], -4.0)
    return made


def transformer() -> WanTransformer3DModel:
    return WanTransformer3DModel(
        num_attention_heads=3,
        attention_head_dim=64,
        in_channels=16,
        out_channels=16,
        text_dim=TEXT_WIDTH,
        freq_dim=128,
        ffn_dim=576,
        num_layers=7,
    )


def text_encoder(words: int) -> UMT5EncoderModel:
    """``words`` is the size of the vocabulary."""
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=words,
            d_model=TEXT_WIDTH,
            d_kv=32,
            d_ff=2 * TEXT_WIDTH,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
        )
    )


def embeddings(encoder: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Embeddings, B × TEXT_TOKENS × width, of B × any tokens, as WanPipeline makes them of a text.

    Padding, token 0, is not attended to, and its embedding is zero.
    """
    seen = (tokens != 0).long()
    found = encoder(tokens, seen).last_hidden_state * seen[:, :, None]
    return functional.pad(found, (0, 0, 0, TEXT_TOKENS - tokens.shape[1]))
