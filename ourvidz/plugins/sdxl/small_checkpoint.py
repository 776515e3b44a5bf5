"""A small SDXL checkpoint of random weights: every class of a real one, a few MB, built in seconds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ourvidz.plugins.checkpoints.small import write_small
from ourvidz.plugins.checkpoints.small_words import WORDS
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.plugins.sdxl.published import SCHEDULER
from ourvidz.plugins.sdxl.small_vocabulary import END, MAX_TOKENS, START, write_tokenizer

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

#: Width of each text encoder; the UNet attends to both side by side, as SDXL's does.
TEXT_WIDTH = 32

#: Sinusoidal features of each of the six numbers of SDXL's size conditioning.
SIZE_FEATURES = 8


def write_small_checkpoint(folder: Path, *, seed: int) -> bool:
    """Build the checkpoint of ``seed`` as ``folder``. Return False if it is there already.

    The same seed and libraries give the same bytes. The folder appears when it is complete. Raises
    CheckpointExists if ``folder`` holds anything else.
    """
    return write_small(folder, LAYOUT, seed=seed, card=_card(seed), build=partial(_write_parts, seed=seed))


def _card(seed: int) -> str:
    return (
        "---\nlibrary_name: diffusers\npipeline_tag: text-to-image\n---\n"
        "# Small SDXL checkpoint\n\n"
        "Random weights in the full class structure of Stable Diffusion XL, for tests and first steps.\n"
        "Pictures are soft abstract shapes that follow prompt and seed; nothing was trained.\n\n"
        f"Made by `ourvidz models make-small sdxl DIR --seed {seed}`.\n"
    )


def _write_parts(folder: Path, *, seed: int) -> None:
    import diffusers
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.sdxl.small_weights import TEXT_GAINS, shape_text_encoder

    encoders = {
        "text_encoder": (CLIPTextModel, "tokenizer", END, "quick_gelu"),
        "text_encoder_2": (CLIPTextModelWithProjection, "tokenizer_2", "!", "gelu"),
    }
    parts: dict[str, Any] = {
        "scheduler": diffusers.EulerDiscreteScheduler(**SCHEDULER),
        "unet": _unet(seed),
        "vae": _vae(seed),
    }
    for name, (encoder_class, tokenizer, pad, activation) in encoders.items():
        vocabulary = write_tokenizer(folder / tokenizer, WORDS.split(), pad=pad)
        encoder = encoder_class(_text_config(vocabulary, pad=pad, activation=activation))
        draw_weights(encoder, seed=f"{seed}:{name}", gains=TEXT_GAINS)
        shape_text_encoder(encoder, [vocabulary[mark] for mark in (START, END, pad)])
        parts[name] = encoder
    with quiet_libraries():
        for name, part in parts.items():
            weights = {"state_dict": published_names(part)} if name in encoders else {}
            part.save_pretrained(folder / name, **weights)
    (folder / "model_index.json").write_text(json.dumps(model_index(diffusers.__version__), indent=2) + "\n")


def published_names(encoder: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A text encoder's weights under the names that published checkpoints have.

    transformers reads them in all its versions. Under 5's own names, which lack the prefix, 4 finds none.
    """
    whole = ("text_model.", "text_projection.")
    return {
        name if name.startswith(whole) else f"text_model.{name}": tensor
        for name, tensor in encoder.state_dict().items()
    }


def model_index(version: str) -> dict[str, Any]:
    """What ``model_index.json`` says of a checkpoint that diffusers of this ``version`` wrote."""
    classes = {
        "scheduler": ("diffusers", "EulerDiscreteScheduler"),
        "text_encoder": ("transformers", "CLIPTextModel"),
        "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
        "tokenizer": ("transformers", "CLIPTokenizer"),
        "tokenizer_2": ("transformers", "CLIPTokenizer"),
        "unet": ("diffusers", "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
    }
    return {
        "_class_name": LAYOUT.pipeline,
        "_diffusers_version": version,
        "force_zeros_for_empty_prompt": True,
        **classes,
    }


def _text_config(vocabulary: dict[str, int], *, pad: str, activation: str) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        # SDXL reads the last but one; a third has something to be left out.
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=MAX_TOKENS,
        hidden_act=activation,
        bos_token_id=vocabulary[START],
        eos_token_id=vocabulary[END],
        pad_token_id=vocabulary[pad],
    )


def _unet(seed: int) -> UNet2DConditionModel:
    from diffusers import UNet2DConditionModel

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.sdxl.small_weights import UNET_GAINS, shape_unet

    unet = UNet2DConditionModel(
        sample_size=128,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 16, 32),
        layers_per_block=1,
        # By block, in diffusers' reading of this name the number of heads.
        attention_head_dim=(1, 1, 2),
        norm_num_groups=8,
        use_linear_projection=True,
        cross_attention_dim=2 * TEXT_WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=SIZE_FEATURES,
        projection_class_embeddings_input_dim=TEXT_WIDTH + 6 * SIZE_FEATURES,
    )
    draw_weights(unet, seed=f"{seed}:unet", gains=UNET_GAINS)
    shape_unet(unet)
    return unet


def _vae(seed: int) -> AutoencoderKL:
    from diffusers import AutoencoderKL

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.sdxl.small_weights import VAE_GAINS, shape_vae

    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=4,
        sample_size=1024,
        # SDXL's: the factor that brings latents to unit variance, and that fp16 overflows in it.
        scaling_factor=0.13025,
        force_upcast=True,
    )
    draw_weights(vae, seed=f"{seed}:vae", gains=VAE_GAINS)
    shape_vae(vae)
    return vae
