"""What the settings files of a converted WAN checkpoint say: facts of its tensors, and published constants.

Constants are those of ``Wan-AI/Wan2.1-T2V-1.3B-Diffusers`` and of ``google/umt5-xxl``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.wan import published

CLASSES: Mapping[str, tuple[str, str]] = {
    "scheduler": ("diffusers", "UniPCMultistepScheduler"),
    "text_encoder": ("transformers", "UMT5EncoderModel"),
    "tokenizer": ("transformers", "T5TokenizerFast"),
    "transformer": ("diffusers", "WanTransformer3DModel"),
    "vae": ("diffusers", "AutoencoderKLWan"),
}

SCHEDULER = {"_class_name": CLASSES["scheduler"][1], **published.SCHEDULER}

_UMT5 = {
    "architectures": [CLASSES["text_encoder"][1]],
    "model_type": "umt5",
    "feed_forward_proj": "gated-gelu",
    "dense_act_fn": "gelu_new",
    "is_gated_act": True,
    "is_encoder_decoder": True,
    "layer_norm_epsilon": 1e-6,
    "relative_attention_max_distance": 128,
    "dropout_rate": 0.1,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
    # The encoder's words are the shared ones, of which the file has one copy.
    "tie_word_embeddings": True,
}

#: Of each of the VAE's latent channels over the training data.
_LATENTS_MEAN = [
    *(-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508),
    *(0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921),
]
_LATENTS_STD = [
    *(2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743),
    *(3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160),
]

#: Shapes of tensors by their original names.
Shapes = Mapping[str, tuple[int, ...]]


def transformer_settings(given: Mapping[str, Any], shapes: Shapes, where: Path) -> dict[str, Any]:
    """``given`` is what the original's ``config.json``, ``where``, says. Raises ModelInvalid."""
    kind = given.get("model_type")
    if kind != "t2v":
        raise ModelInvalid(f"{where}: found model_type {kind!r}, expected 't2v', WAN's text to video")
    try:
        return {
            "_class_name": CLASSES["transformer"][1],
            **published.TRANSFORMER,
            "patch_size": list(shapes["patch_embedding.weight"][2:]),
            "num_attention_heads": int(given["num_heads"]),
            "attention_head_dim": int(given["dim"]) // int(given["num_heads"]),
            "in_channels": int(given["in_dim"]),
            "out_channels": int(given["out_dim"]),
            "text_dim": shapes["text_embedding.0.weight"][1],
            "freq_dim": int(given["freq_dim"]),
            "ffn_dim": int(given["ffn_dim"]),
            "num_layers": int(given["num_layers"]),
            "eps": float(given["eps"]),
        }
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelInvalid(f"{where} does not describe WAN's transformer: {error!r}") from None


def text_encoder_settings(shapes: Shapes, precision: str, where: Path) -> dict[str, Any]:
    """Raises ModelInvalid if the tensors are not those of such an encoder."""
    try:
        words, width = shapes["token_embedding.weight"]
        buckets, heads = shapes["blocks.0.pos_embedding.embedding.weight"]
        return {
            **_UMT5,
            "vocab_size": words,
            "d_model": width,
            "d_kv": shapes["blocks.0.attn.q.weight"][0] // heads,
            "d_ff": shapes["blocks.0.ffn.fc1.weight"][0],
            "num_heads": heads,
            "num_layers": sum(name.endswith(".ffn.fc1.weight") for name in shapes),
            "relative_attention_num_buckets": buckets,
            "torch_dtype": precision,
        }
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise ModelInvalid(f"{where} does not hold WAN's text encoder: {error!r}") from None


def vae_settings(shapes: Shapes, where: Path) -> dict[str, Any]:
    """Raises ModelInvalid if the tensors are not those of such a VAE."""
    first = shapes.get("encoder.conv1.weight")
    if not first:
        raise ModelInvalid(f"{where} does not hold WAN's VAE: it has no encoder.conv1.weight")
    return {
        "_class_name": CLASSES["vae"][1],
        **published.VAE,
        "base_dim": first[0],
        "latents_mean": _LATENTS_MEAN,
        "latents_std": _LATENTS_STD,
    }
