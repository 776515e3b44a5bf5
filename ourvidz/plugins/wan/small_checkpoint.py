"""A small WAN checkpoint of random weights: every class of a real one, a few MB, built in seconds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ourvidz.plugins.checkpoints.small import write_small
from ourvidz.plugins.checkpoints.small_words import WORDS
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.published import SCHEDULER
from ourvidz.plugins.wan.small_vocabulary import END, write_tokenizer

if TYPE_CHECKING:
    from diffusers import AutoencoderKLWan, WanTransformer3DModel
    from transformers import UMT5EncoderModel

#: Width of the text encoder.
TEXT_WIDTH = 32


def write_small_checkpoint(folder: Path, *, seed: int) -> bool:
    """Build the checkpoint of ``seed`` as ``folder``. Return False if it is there already.

    The same seed and libraries give the same bytes. The folder appears when it is complete. Raises
    CheckpointExists if ``folder`` holds anything else.
    """
    return write_small(folder, LAYOUT, seed=seed, card=_card(seed), build=partial(_write_parts, seed=seed))


def _card(seed: int) -> str:
    return (
        "---\nlibrary_name: diffusers\npipeline_tag: text-to-video\n---\n"
        "# Small WAN checkpoint\n\n"
        "Random weights in the full class structure of WAN 2.1, for tests and first steps.\n"
        "Videos are soft drifting shapes that follow prompt and seed; nothing was trained.\n\n"
        f"Made by `ourvidz models make-small wan DIR --seed {seed}`.\n"
    )


def _write_parts(folder: Path, *, seed: int) -> None:
    import diffusers

    vocabulary = write_tokenizer(folder / "tokenizer", WORDS.split())
    parts: dict[str, Any] = {
        "scheduler": diffusers.UniPCMultistepScheduler(**SCHEDULER),
        "text_encoder": _text_encoder(seed, vocabulary),
        "transformer": _transformer(seed),
        "vae": _vae(seed),
    }
    with quiet_libraries():
        for name, part in parts.items():
            part.save_pretrained(folder / name)
    (folder / "model_index.json").write_text(json.dumps(model_index(diffusers.__version__), indent=2) + "\n")


def model_index(version: str) -> dict[str, Any]:
    """What ``model_index.json`` says of a checkpoint that diffusers of this ``version`` wrote."""
    return {
        "_class_name": LAYOUT.pipeline,
        "_diffusers_version": version,
        "scheduler": ("diffusers", "UniPCMultistepScheduler"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
        "tokenizer": ("transformers", "T5TokenizerFast"),
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "vae": ("diffusers", "AutoencoderKLWan"),
    }


def _text_encoder(seed: int, vocabulary: dict[str, int]) -> UMT5EncoderModel:
    from transformers import UMT5Config, UMT5EncoderModel

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.wan.small_weights import shape_text_encoder

    encoder = UMT5EncoderModel(
        UMT5Config(
            vocab_size=len(vocabulary),
            d_model=TEXT_WIDTH,
            d_kv=16,
            d_ff=2 * TEXT_WIDTH,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
        )
    )
    draw_weights(encoder, seed=f"{seed}:text_encoder")
    shape_text_encoder(encoder, vocabulary[END])
    return encoder


def _transformer(seed: int) -> WanTransformer3DModel:
    from diffusers import WanTransformer3DModel

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.wan.small_weights import TRANSFORMER_GAINS, shape_transformer

    transformer = WanTransformer3DModel(
        num_attention_heads=4,
        attention_head_dim=24,
        in_channels=16,
        out_channels=16,
        text_dim=TEXT_WIDTH,
        freq_dim=64,
        ffn_dim=128,
        num_layers=2,
    )
    draw_weights(transformer, seed=f"{seed}:transformer", gains=TRANSFORMER_GAINS)
    shape_transformer(transformer)
    return transformer


def _vae(seed: int) -> AutoencoderKLWan:
    from diffusers import AutoencoderKLWan

    from ourvidz.plugins.diffusion.drawn_weights import draw_weights
    from ourvidz.plugins.wan.small_weights import VAE_GAINS, shape_vae

    # All but the width is as published: 16 latent channels, their means and spreads, the levels. So narrow,
    # since on a CPU torch takes its slow way through narrow convolutions of videos.
    vae = AutoencoderKLWan(base_dim=4)
    draw_weights(vae, seed=f"{seed}:vae", gains=VAE_GAINS)
    shape_vae(vae)
    return vae
