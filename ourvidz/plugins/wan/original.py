"""WAN 2.1 in the layout of its authors: a folder with pickled weights, which only ``convert`` reads.

Names are those of Wan-Video's ``Wan2.1`` repository, module by module.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from ourvidz.plugins.checkpoints.layout import read_json, reading_checkpoint
from ourvidz.plugins.checkpoints.locations import path_of
from ourvidz.plugins.checkpoints.origins import Origin
from ourvidz.plugins.family import ModelInvalid

SETTINGS = "config.json"
TRANSFORMER = "diffusion_pytorch_model"
TEXT_ENCODER = "models_t5_umt5-xxl-enc-bf16.pth"
VAE = "Wan2.1_VAE.pth"
TOKENIZER = "google/umt5-xxl"

_TRANSFORMER = {
    "patch_embedding": "patch_embedding",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "head.head": "proj_out",
}
_TRANSFORMER_BLOCK = {
    **{
        f"{theirs}.{one}": f"{ours}.{target}"
        for theirs, ours in (("self_attn", "attn1"), ("cross_attn", "attn2"))
        for one, target in (
            *(("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0")),
            *(("norm_q", "norm_q"), ("norm_k", "norm_k")),
        )
    },
    # The second norm in use; the authors count one more, which has no weights.
    "norm3": "norm2",
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}

_TEXT_ENCODER = {"token_embedding": "shared", "norm": "encoder.final_layer_norm"}
_TEXT_ENCODER_BLOCK = {
    "norm1": "layer.0.layer_norm",
    **{f"attn.{one}": f"layer.0.SelfAttention.{one}" for one in "qkvo"},
    "pos_embedding.embedding": "layer.0.SelfAttention.relative_attention_bias",
    "norm2": "layer.1.layer_norm",
    # The gate goes through the activation.
    "ffn.gate.0": "layer.1.DenseReluDense.wi_0",
    "ffn.fc1": "layer.1.DenseReluDense.wi_1",
    "ffn.fc2": "layer.1.DenseReluDense.wo",
}

_VAE = {
    "conv1": "quant_conv",
    "conv2": "post_quant_conv",
    **{f"{side}.conv1": f"{side}.conv_in" for side in ("encoder", "decoder")},
    **{f"{side}.head.0": f"{side}.norm_out" for side in ("encoder", "decoder")},
    **{f"{side}.head.2": f"{side}.conv_out" for side in ("encoder", "decoder")},
}
_VAE_RESNET = {
    "residual.0": "norm1",
    "residual.2": "conv1",
    "residual.3": "norm2",
    "residual.6": "conv2",
    "shortcut": "conv_shortcut",
}
_VAE_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}
_VAE_SAMPLERS = ("resample.1", "time_conv")

#: Layers of one level of the decoder: residual blocks, and what doubles the size.
_DECODER_LEVEL = 4

_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_VAE_BLOCK = re.compile(
    r"(encoder\.downsamples|decoder\.upsamples|encoder\.middle|decoder\.middle)\.(\d+)\.(.+)"
)


def is_original(folder: Path) -> bool:
    """Whether a folder is a checkpoint as WAN's authors publish it. Raises ModelInvalid."""
    with reading_checkpoint():
        if (folder / "model_index.json").exists() or not (folder / SETTINGS).is_file():
            return False
        return (folder / TEXT_ENCODER).is_file() or read_json(folder / SETTINGS).get(
            "_class_name"
        ) == "WanModel"


def refuse_original(location: str, root: Path) -> None:
    """Raises ModelInvalid with the command that converts it where ``location`` is such a folder."""
    folder = path_of(location, root)
    if is_original(folder):
        converted = folder.with_name(f"{folder.name}-diffusers")
        command = shlex.join(["ourvidz", "models", "convert", "wan", str(folder), str(converted)])
        raise ModelInvalid(
            f"{folder} is WAN in the layout of its authors, whose pickled files are never loaded. Convert it "
            f"once, with: {command}; then let location in ourvidz.yaml name the new folder"
        )


def transformer_origins(names: Iterable[str], where: Path) -> dict[str, Origin]:
    """Where each tensor of diffusers' transformer is. Raises ModelInvalid for names that it does not have."""
    return _origins(names, _transformer, where)


def text_encoder_origins(names: Iterable[str], where: Path) -> dict[str, Origin]:
    """The same of transformers' text encoder."""
    return _origins(names, _text_encoder, where)


def vae_origins(names: Iterable[str], where: Path) -> dict[str, Origin]:
    """The same of diffusers' VAE."""
    return _origins(names, _vae, where)


def _origins(names: Iterable[str], rename: Callable[[str], str | None], where: Path) -> dict[str, Origin]:
    found = {name: rename(name) for name in names}
    unknown = sorted(name for name, target in found.items() if target is None)
    if unknown:
        raise ModelInvalid(
            f"{where} has {len(unknown)} tensors that are none of WAN 2.1's, such as {', '.join(unknown[:3])}"
        )
    return {target: Origin(name) for name, target in found.items() if target is not None}


def _transformer(name: str) -> str | None:
    module, _, leaf = name.rpartition(".")
    if leaf == "modulation":
        match = _BLOCK.fullmatch(name)
        if match and match[2] == leaf:
            return f"blocks.{match[1]}.scale_shift_table"
        return "scale_shift_table" if module == "head" else None
    return _renamed(name, _TRANSFORMER, _TRANSFORMER_BLOCK, "blocks")


def _text_encoder(name: str) -> str | None:
    return _renamed(name, _TEXT_ENCODER, _TEXT_ENCODER_BLOCK, "encoder.block")


def _renamed(name: str, modules: dict[str, str], inner: dict[str, str], blocks: str) -> str | None:
    module, _, leaf = name.rpartition(".")
    if module in modules:
        return f"{modules[module]}.{leaf}"
    match = _BLOCK.fullmatch(module)
    return f"{blocks}.{match[1]}.{inner[match[2]]}.{leaf}" if match and match[2] in inner else None


def _vae(name: str) -> str | None:
    module, _, leaf = name.rpartition(".")
    if module in _VAE:
        return f"{_VAE[module]}.{leaf}"
    match = _VAE_BLOCK.fullmatch(module)
    if match is None:
        return None
    stack, number, inner = match.groups()
    if stack.endswith("middle"):
        return _vae_middle(stack.partition(".")[0], number, inner, leaf)
    layer = _VAE_RESNET.get(inner, inner if inner in _VAE_SAMPLERS else None)
    if layer is None:
        return None
    if stack.startswith("encoder"):
        return f"encoder.down_blocks.{number}.{layer}.{leaf}"
    level, place = divmod(int(number), _DECODER_LEVEL)
    block = f"resnets.{place}" if inner in _VAE_RESNET else "upsamplers.0"
    return f"decoder.up_blocks.{level}.{block}.{layer}.{leaf}"


def _vae_middle(side: str, number: str, inner: str, leaf: str) -> str | None:
    place = _VAE_MIDDLE.get(number)
    layer = inner if number == "1" else _VAE_RESNET.get(inner)
    return f"{side}.mid_block.{place}.{layer}.{leaf}" if place and layer else None
