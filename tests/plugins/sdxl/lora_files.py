"""Small LoRA files for the small checkpoint, in the ways that trainers write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

RANK = 2
ALPHA = 1.0

#: A layer of each part: its path, and its name in kohya's files.
LAYERS = {
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k": (
        "lora_unet_input_blocks_3_1_transformer_blocks_0_attn2_to_k"
    ),
    "text_encoder.text_model.encoder.layers.0.mlp.fc1": "lora_te1_text_model_encoder_layers_0_mlp_fc1",
    "text_encoder_2.text_model.encoder.layers.1.self_attn.out_proj": (
        "lora_te2_text_model_encoder_layers_1_self_attn_out_proj"
    ),
}

PARTS = ("unet", "text_encoder", "text_encoder_2")

#: Inputs and outputs of these layers.
SIZES = {
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k": (64, 16),
    "text_encoder.text_model.encoder.layers.0.mlp.fc1": (32, 128),
    "text_encoder_2.text_model.encoder.layers.1.self_attn.out_proj": (32, 32),
}


def matrices(layer: str, *, seed: int = 0, rank: int = RANK) -> tuple[torch.Tensor, torch.Tensor]:
    """down and up of a layer, large enough to be seen in a picture."""
    inputs, outputs = SIZES[layer]
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, inputs, generator=generator)
    return down, torch.randn(outputs, rank, generator=generator)


def write_kohya(
    path: Path,
    *,
    parts: tuple[str, ...] = PARTS,
    seed: int = 0,
    alpha: float = ALPHA,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """As kohya's scripts write it."""
    tensors = {}
    for layer, name in LAYERS.items():
        if layer.partition(".")[0] in parts:
            down, up = matrices(layer, seed=seed)
            tensors[f"{name}.lora_down.weight"] = down
            tensors[f"{name}.lora_up.weight"] = up
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    save_file(tensors, path, dict(metadata or {}))
    return path


def write_peft(
    path: Path,
    *,
    parts: tuple[str, ...] = PARTS,
    seed: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """As diffusers writes it; alpha is the rank unless the metadata say otherwise."""
    tensors = {}
    for layer in LAYERS:
        if layer.partition(".")[0] not in parts:
            continue
        down, up = matrices(layer, seed=seed)
        tensors[f"{layer}.lora_A.weight"] = down
        tensors[f"{layer}.lora_B.weight"] = up
    save_file(tensors, path, dict(metadata or {}))
    return path
