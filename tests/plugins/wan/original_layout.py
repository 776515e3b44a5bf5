"""Writes a WAN checkpoint as its authors publish it: pickled text encoder and VAE, and their own names.

Its own table, module by module, of a checkpoint in the diffusers layout; what the family reads is not
asked. The names are those of the published files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

#: Levels and residual blocks of the VAE; its decoder has one block more on each level.
LEVELS, BLOCKS = 4, 2


def transformer_names(layers: int) -> Iterator[tuple[str, str]]:
    """Name in the diffusers layout, name in the original."""
    for leaf in ("weight", "bias"):
        yield f"patch_embedding.{leaf}", f"patch_embedding.{leaf}"
        for ours, theirs in (("text_embedder", "text_embedding"), ("time_embedder", "time_embedding")):
            yield f"condition_embedder.{ours}.linear_1.{leaf}", f"{theirs}.0.{leaf}"
            yield f"condition_embedder.{ours}.linear_2.{leaf}", f"{theirs}.2.{leaf}"
        yield f"condition_embedder.time_proj.{leaf}", f"time_projection.1.{leaf}"
        yield f"proj_out.{leaf}", f"head.head.{leaf}"
        for number in range(layers):
            block = f"blocks.{number}"
            for ours, theirs in (("attn1", "self_attn"), ("attn2", "cross_attn")):
                for one in "qkv":
                    yield f"{block}.{ours}.to_{one}.{leaf}", f"{block}.{theirs}.{one}.{leaf}"
                yield f"{block}.{ours}.to_out.0.{leaf}", f"{block}.{theirs}.o.{leaf}"
            yield f"{block}.norm2.{leaf}", f"{block}.norm3.{leaf}"
            yield f"{block}.ffn.net.0.proj.{leaf}", f"{block}.ffn.0.{leaf}"
            yield f"{block}.ffn.net.2.{leaf}", f"{block}.ffn.2.{leaf}"
    yield "scale_shift_table", "head.modulation"
    for number in range(layers):
        block = f"blocks.{number}"
        yield f"{block}.scale_shift_table", f"{block}.modulation"
        for ours, theirs in (("attn1", "self_attn"), ("attn2", "cross_attn")):
            yield f"{block}.{ours}.norm_q.weight", f"{block}.{theirs}.norm_q.weight"
            yield f"{block}.{ours}.norm_k.weight", f"{block}.{theirs}.norm_k.weight"


def text_encoder_names(layers: int) -> Iterator[tuple[str, str]]:
    yield "shared.weight", "token_embedding.weight"
    yield "encoder.final_layer_norm.weight", "norm.weight"
    for number in range(layers):
        ours, theirs = f"encoder.block.{number}", f"blocks.{number}"
        attention, feed = f"{ours}.layer.0.SelfAttention", f"{ours}.layer.1.DenseReluDense"
        yield f"{ours}.layer.0.layer_norm.weight", f"{theirs}.norm1.weight"
        for one in "qkvo":
            yield f"{attention}.{one}.weight", f"{theirs}.attn.{one}.weight"
        yield f"{attention}.relative_attention_bias.weight", f"{theirs}.pos_embedding.embedding.weight"
        yield f"{ours}.layer.1.layer_norm.weight", f"{theirs}.norm2.weight"
        yield f"{feed}.wi_0.weight", f"{theirs}.ffn.gate.0.weight"
        yield f"{feed}.wi_1.weight", f"{theirs}.ffn.fc1.weight"
        yield f"{feed}.wo.weight", f"{theirs}.ffn.fc2.weight"


def vae_modules() -> Iterator[tuple[str, str]]:
    """Module in the diffusers layout, module in the original."""
    yield "quant_conv", "conv1"
    yield "post_quant_conv", "conv2"
    for side in ("encoder", "decoder"):
        yield f"{side}.conv_in", f"{side}.conv1"
        yield f"{side}.norm_out", f"{side}.head.0"
        yield f"{side}.conv_out", f"{side}.head.2"
        yield from residual(f"{side}.mid_block.resnets.0", f"{side}.middle.0")
        for one in ("norm", "to_qkv", "proj"):
            yield f"{side}.mid_block.attentions.0.{one}", f"{side}.middle.1.{one}"
        yield from residual(f"{side}.mid_block.resnets.1", f"{side}.middle.2")
    # Both count the encoder's layers through all levels: blocks, then what halves the size.
    for number in range(LEVELS * (BLOCKS + 1) - 1):
        yield from residual(f"encoder.down_blocks.{number}", f"encoder.downsamples.{number}")
        for one in ("resample.1", "time_conv"):
            yield f"encoder.down_blocks.{number}.{one}", f"encoder.downsamples.{number}.{one}"
    number = 0
    for level in range(LEVELS):
        for layer in range(BLOCKS + 1):
            yield from residual(f"decoder.up_blocks.{level}.resnets.{layer}", f"decoder.upsamples.{number}")
            number += 1
        if level < LEVELS - 1:
            for one in ("resample.1", "time_conv"):
                yield f"decoder.up_blocks.{level}.upsamplers.0.{one}", f"decoder.upsamples.{number}.{one}"
            number += 1


def residual(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}.norm1", f"{theirs}.residual.0"
    yield f"{ours}.conv1", f"{theirs}.residual.2"
    yield f"{ours}.norm2", f"{theirs}.residual.3"
    yield f"{ours}.conv2", f"{theirs}.residual.6"
    yield f"{ours}.conv_shortcut", f"{theirs}.shortcut"


def original_transformer(folder: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(folder / "transformer/diffusion_pytorch_model.safetensors")
    layers = json.loads((folder / "transformer/config.json").read_text())["num_layers"]
    table = dict(transformer_names(layers))
    return {table[name]: tensor for name, tensor in tensors.items()}


def original_text_encoder(folder: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(folder / "text_encoder/model.safetensors")
    layers = json.loads((folder / "text_encoder/config.json").read_text())["num_layers"]
    table = dict(text_encoder_names(layers))
    return {table[name]: tensor for name, tensor in tensors.items()}


def original_vae(folder: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(folder / "vae/diffusion_pytorch_model.safetensors")
    table = dict(vae_modules())
    modules = {name: name.rpartition(".")[::2] for name in tensors}
    return {f"{table[module]}.{leaf}": tensors[name] for name, (module, leaf) in modules.items()}


def original_settings(folder: Path) -> dict[str, object]:
    ours = json.loads((folder / "transformer/config.json").read_text())
    return {
        "_class_name": "WanModel",
        "_diffusers_version": "0.30.0",
        "dim": ours["num_attention_heads"] * ours["attention_head_dim"],
        "eps": ours["eps"],
        "ffn_dim": ours["ffn_dim"],
        "freq_dim": ours["freq_dim"],
        "in_dim": ours["in_channels"],
        "model_type": "t2v",
        "num_heads": ours["num_attention_heads"],
        "num_layers": ours["num_layers"],
        "out_dim": ours["out_channels"],
        "text_len": 512,
    }


def write_original(folder: Path, target: Path) -> Path:
    """Write a small checkpoint in the diffusers layout as WAN's authors lay theirs out."""
    shutil.copytree(folder / "tokenizer", target / "google/umt5-xxl")
    (target / "config.json").write_text(json.dumps(original_settings(folder), indent=2))
    save_file(original_transformer(folder), target / "diffusion_pytorch_model.safetensors")
    torch.save(original_text_encoder(folder), target / "models_t5_umt5-xxl-enc-bf16.pth")
    torch.save(original_vae(folder), target / "Wan2.1_VAE.pth")
    return target
