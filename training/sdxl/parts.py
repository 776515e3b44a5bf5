"""The parts of the small SDXL checkpoint: every class of a real one, in sizes that two CPU cores can bear.

Of 12 MB in fp16 about 5.9 million parameters are there to be shared: 4.3 go to the UNet, 1.0 to the VAE,
0.5 to the text encoders. The VAE turns 16x16 pixels into one latent of 16 channels, where SDXL's turns 8x8
into one of 4: as many numbers, but the UNet's levels begin at half the side. A step of training and of
painting costs about a third, so the same parameters learn from three times as many pictures. As in SDXL
there are three levels, and the text is looked at in the lower two, where a token is 32 and 64 pixels wide.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from ourvidz.plugins.sdxl.small_vocabulary import END, MAX_TOKENS, START, write_tokenizer
from training.world.captions import vocabulary

#: Widths of the two text encoders, which the UNet sees side by side, and their layers. SDXL reads the
#: last layer but one; the last of the second one makes the pooled embedding.
TEXT_WIDTHS, TEXT_LAYERS = (64, 96), (2, 4)

#: Of a latent.
CHANNELS = 16

#: Sinusoidal features of each of the six numbers of SDXL's size conditioning.
SIZE_FEATURES = 32

#: SDXL's noise schedule, but down to no signal at all, and predicted as velocity: with a remainder of
#: signal a small model takes its mean for the picture's, and can paint neither a night nor a bright day
#: (https://arxiv.org/abs/2305.08891).
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    # How many trees or clouds there are is settled between noise 40 and 6 times the picture's spread, where
    # levels spread evenly over the timesteps are 3 of 15, and these 6.
    "use_exponential_sigmas": True,
    # Where they begin: without it, at the 4096 that stands for no signal.
    "sigma_max": 60.0,
}

#: Standard deviation of the latents that the UNet sees. Below 1, so that the noise reaches further into
#: the coarse shapes of so large a picture.
LATENT_SPREAD = 0.7

#: SDXL's: what latents are multiplied by before the UNet sees them.
SCALING_FACTOR = 0.13025


def scheduler() -> EulerDiscreteScheduler:
    made = EulerDiscreteScheduler(**SCHEDULER)
    # Not its own, but as in SDXL's file: other samplers made of these settings clip latents otherwise.
    made.register_to_config(clip_sample=False)
    return made


def vae() -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 5,
        up_block_types=("UpDecoderBlock2D",) * 5,
        block_out_channels=(16, 24, 40, 56, 64),
        layers_per_block=1,
        # Few groups: a picture's colours are lost where a group has two or three channels.
        norm_num_groups=2,
        latent_channels=CHANNELS,
        sample_size=1024,
        scaling_factor=SCALING_FACTOR,
        force_upcast=True,
    )


def unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 96),
        layers_per_block=1,
        # By block, in diffusers' reading of this name the number of heads.
        attention_head_dim=(1, 3, 3),
        # As many channels in a group as SDXL's first level has.
        norm_num_groups=4,
        use_linear_projection=True,
        cross_attention_dim=sum(TEXT_WIDTHS),
        addition_embed_type="text_time",
        addition_time_embed_dim=SIZE_FEATURES,
        projection_class_embeddings_input_dim=TEXT_WIDTHS[1] + 6 * SIZE_FEATURES,
    )


def text_encoders(folder: Path) -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """New encoders for the tokenizers of :func:`write_tokenizers`."""
    first = _text_config(folder / "tokenizer", 0, pad=END, activation="quick_gelu")
    second = _text_config(folder / "tokenizer_2", 1, pad="!", activation="gelu")
    return CLIPTextModel(first), CLIPTextModelWithProjection(second)


def write_tokenizers(folder: Path) -> None:
    """Write both tokenizers, unless they are there: each word of the captions is one token."""
    for name, pad in (("tokenizer", END), ("tokenizer_2", "!")):
        if not (folder / name).is_dir():
            write_tokenizer(folder / name, vocabulary(), pad=pad)


def _text_config(tokenizer: Path, index: int, *, pad: str, activation: str) -> Any:
    tokens = json.loads((tokenizer / "vocab.json").read_text(encoding="utf-8"))
    width = TEXT_WIDTHS[index]
    return CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=TEXT_LAYERS[index],
        num_attention_heads=width // 32,
        max_position_embeddings=MAX_TOKENS,
        hidden_act=activation,
        bos_token_id=tokens[START],
        eos_token_id=tokens[END],
        pad_token_id=tokens[pad],
    )
