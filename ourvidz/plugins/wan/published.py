"""WAN 2.1 T2V 1.3B as it was published: the settings of every part with weights, and how many those are.

Facts of the configuration files of ``Wan-AI/Wan2.1-T2V-1.3B-Diffusers``, less what is the libraries'
default anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The encoder of UMT5-XXL.
TEXT_ENCODER: Mapping[str, Any] = {
    "vocab_size": 256384,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}

TRANSFORMER: Mapping[str, Any] = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 12,
    "attention_head_dim": 128,
    "in_channels": 16,
    "out_channels": 16,
    "text_dim": 4096,
    "freq_dim": 256,
    "ffn_dim": 8960,
    "num_layers": 30,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "eps": 1e-6,
    "rope_max_seq_len": 1024,
}

#: Mean and deviation of its latents are the class's defaults.
VAE: Mapping[str, Any] = {
    "base_dim": 96,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "temperal_downsample": [False, True, True],
}

SCHEDULER: Mapping[str, Any] = {
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "flow_shift": 3.0,
}

#: By part.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "text_encoder": TEXT_ENCODER,
    "transformer": TRANSFORMER,
    "vae": VAE,
}

#: Weights of each part.
COUNTS: Mapping[str, int] = {
    "text_encoder": 5_680_910_336,
    "transformer": 1_418_996_800,
    "vae": 126_892_531,
}
