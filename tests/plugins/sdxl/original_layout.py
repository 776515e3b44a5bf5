"""Writes an SDXL checkpoint as a single file, as its authors and those who share checkpoints do.

Its own table, module by module, of what a checkpoint of three levels with one residual block each has;
the names are those of the published files. What the family reads is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

#: Residual blocks of each level on the way down, and levels, of the small checkpoint.
LAYERS, LEVELS = 1, 3

VAE_LEVELS = 4

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def unet_modules(layers: int = LAYERS) -> Iterator[tuple[str, str]]:
    """Module in the diffusers layout, module in the original. ``layers`` as LAYERS."""
    yield "time_embedding.linear_1", "time_embed.0"
    yield "time_embedding.linear_2", "time_embed.2"
    yield "add_embedding.linear_1", "label_emb.0.0"
    yield "add_embedding.linear_2", "label_emb.0.2"
    yield "conv_in", "input_blocks.0.0"
    yield "conv_norm_out", "out.0"
    yield "conv_out", "out.2"
    number = 1
    for level in range(LEVELS):
        for layer in range(layers):
            yield from resnet(f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{number}.0")
            yield f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{number}.1"
            number += 1
        yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
        number += 1
    yield from resnet("mid_block.resnets.0", "middle_block.0")
    yield "mid_block.attentions.0", "middle_block.1"
    yield from resnet("mid_block.resnets.1", "middle_block.2")
    number = 0
    for level in range(LEVELS):
        has_attention = level < LEVELS - 1
        for layer in range(layers + 1):
            yield from resnet(f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{number}.0")
            yield f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{number}.1"
            if layer == layers:
                slot = 2 if has_attention else 1
                yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{number}.{slot}.conv"
            number += 1


def resnet(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    for name, original in RESNET.items():
        yield f"{ours}.{name}", f"{theirs}.{original}"


def vae_modules(levels: int = VAE_LEVELS) -> Iterator[tuple[str, str]]:
    """As unet_modules, of a VAE with so many ``levels``."""
    yield "quant_conv", "quant_conv"
    yield "post_quant_conv", "post_quant_conv"
    for side, blocks in (("encoder", "down"), ("decoder", "up")):
        yield f"{side}.conv_in", f"{side}.conv_in"
        yield f"{side}.conv_out", f"{side}.conv_out"
        yield f"{side}.conv_norm_out", f"{side}.norm_out"
        yield f"{side}.mid_block.resnets.0", f"{side}.mid.block_1"
        yield f"{side}.mid_block.resnets.1", f"{side}.mid.block_2"
        attention = f"{side}.mid_block.attentions.0"
        for ours, theirs in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v")):
            yield f"{attention}.{ours}", f"{side}.mid.attn_1.{theirs}"
        yield f"{attention}.to_out.0", f"{side}.mid.attn_1.proj_out"
        for level in range(levels):
            # The original counts from the picture on both ways.
            theirs = f"{side}.{blocks}.{level if side == 'encoder' else levels - 1 - level}"
            ours = f"{side}.{blocks}_blocks.{level}"
            for layer in range(3):
                yield f"{ours}.resnets.{layer}.conv_shortcut", f"{theirs}.block.{layer}.nin_shortcut"
                yield f"{ours}.resnets.{layer}", f"{theirs}.block.{layer}"
            yield f"{ours}.{blocks}samplers.0.conv", f"{theirs}.{blocks}sample.conv"


def original_names(names: Iterable[str], modules: Iterator[tuple[str, str]]) -> dict[str, str]:
    """The original name by each name in the diffusers layout; the most exact module counts."""
    table = dict(modules)
    originals = {}
    for name in names:
        ours = max((one for one in table if name.startswith(f"{one}.")), key=len)
        originals[name] = table[ours] + name[len(ours) :]
    return originals


def renamed(tensors: dict[str, torch.Tensor], modules: Iterator[tuple[str, str]]) -> dict[str, torch.Tensor]:
    return {name: tensors[ours] for ours, name in original_names(tensors, modules).items()}


def original_unet(folder: Path) -> dict[str, torch.Tensor]:
    return renamed(load_file(folder / "unet/diffusion_pytorch_model.safetensors"), unet_modules())


def original_vae(folder: Path) -> dict[str, torch.Tensor]:
    levels = len(json.loads((folder / "vae/config.json").read_text())["up_block_types"])
    tensors = renamed(load_file(folder / "vae/diffusion_pytorch_model.safetensors"), vae_modules(levels))
    for name, tensor in tensors.items():
        if ".attn_1." in name and tensor.ndim == 2:
            # Attention was written as convolutions of 1×1.
            tensors[name] = tensor[:, :, None, None].contiguous()
    return tensors


def original_text_encoder(folder: Path) -> dict[str, torch.Tensor]:
    """As transformers names it, with the module that its newest versions leave out."""
    tensors = load_file(folder / "text_encoder/model.safetensors")
    named = {f"text_model.{name.removeprefix('text_model.')}": one for name, one in tensors.items()}
    named["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    return named


def original_text_encoder_2(folder: Path) -> dict[str, torch.Tensor]:
    """As open_clip names it: queries, keys and values in one matrix, the projection transposed."""
    tensors = load_file(folder / "text_encoder_2/model.safetensors")
    original = {
        "positional_embedding": tensors["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": tensors["text_model.embeddings.token_embedding.weight"],
        "ln_final.weight": tensors["text_model.final_layer_norm.weight"],
        "ln_final.bias": tensors["text_model.final_layer_norm.bias"],
        "text_projection": tensors["text_projection.weight"].T.contiguous(),
        "logit_scale": torch.tensor(4.6),
    }
    for number in range(3):
        ours, theirs = f"text_model.encoder.layers.{number}", f"transformer.resblocks.{number}"
        for leaf in ("weight", "bias"):
            stacked = [tensors[f"{ours}.self_attn.{one}_proj.{leaf}"] for one in "qkv"]
            original[f"{theirs}.attn.in_proj_{leaf}"] = torch.cat(stacked)
            original[f"{theirs}.attn.out_proj.{leaf}"] = tensors[f"{ours}.self_attn.out_proj.{leaf}"]
            original[f"{theirs}.ln_1.{leaf}"] = tensors[f"{ours}.layer_norm1.{leaf}"]
            original[f"{theirs}.ln_2.{leaf}"] = tensors[f"{ours}.layer_norm2.{leaf}"]
            original[f"{theirs}.mlp.c_fc.{leaf}"] = tensors[f"{ours}.mlp.fc1.{leaf}"]
            original[f"{theirs}.mlp.c_proj.{leaf}"] = tensors[f"{ours}.mlp.fc2.{leaf}"]
    return original


def single_file_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a small checkpoint in the diffusers layout, as a single file has it."""
    parts = {
        "conditioner.embedders.0.transformer.": original_text_encoder(folder),
        "conditioner.embedders.1.model.": original_text_encoder_2(folder),
        "first_stage_model.": original_vae(folder),
        "model.diffusion_model.": original_unet(folder),
    }
    return {prefix + name: one for prefix, part in parts.items() for name, one in part.items()}


def write_single_file(folder: Path, file: Path, dtype: torch.dtype = torch.float32) -> Path:
    """Write a small checkpoint as a single file."""
    tensors = single_file_tensors(folder)
    cast = {name: one.to(dtype) if one.is_floating_point() else one for name, one in tensors.items()}
    save_file(cast, file)
    return file
