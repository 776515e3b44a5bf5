"""Every name that LoRA files have for a layer of SDXL.

diffusers' files name layers by their path, as in ``unet.down_blocks.1.…`` and ``text_encoder_2.…``.
kohya's scripts join the path with underscores, as in ``lora_te1_text_model_encoder_…``, and of the
UNet they know the path that it has in Stability's own code, as in ``lora_unet_input_blocks_4_1_…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch.nn import Conv2d, Linear

from ourvidz.plugins.diffusion.loras import Layer

#: kohya's prefix of each part.
_KOHYA = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}

#: Some versions of transformers have a level of this name around a text encoder, and some do not.
_TEXT_MODEL = "text_model."

#: Layers outside of the blocks, and their names in Stability's code (sgm/modules/diffusionmodules/
#: openaimodel.py of https://github.com/Stability-AI/generative-models).
_OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}

#: Layers of a residual block.
_RESIDUAL = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}

_BLOCK = re.compile(
    r"(?P<where>down_blocks|mid_block|up_blocks)(?:\.(?P<block>\d+))?"
    r"\.(?P<kind>resnets|attentions|downsamplers|upsamplers)\.(?P<index>\d+)\.(?P<rest>.+)"
)


def sdxl_layers(pipeline: Any) -> dict[str, Layer]:
    """The linear layers and convolutions of UNet and text encoders, by every name of each."""
    layers: dict[str, Layer] = {}
    for part, prefix in _KOHYA.items():
        for path, module in getattr(pipeline, part).named_modules():
            if isinstance(module, Linear | Conv2d):
                names = _unet_names(path, pipeline.unet) if part == "unet" else _text_names(path)
                for name in names:
                    layers[f"{part}.{name}"] = module
                    layers[f"{prefix}_{name.replace('.', '_')}"] = module
    return layers


def _text_names(path: str) -> Iterator[str]:
    bare = path.removeprefix(_TEXT_MODEL)
    yield bare
    yield _TEXT_MODEL + bare


def _unet_names(path: str, unet: Any) -> Iterator[str]:
    yield path
    if path in _OUTSIDE:
        yield _OUTSIDE[path]
    match = _BLOCK.fullmatch(path)
    if match:
        yield _original_name(match.groupdict(), unet)


def _original_name(found: Mapping[str, str], unet: Any) -> str:
    """The name in Stability's code, which counts the blocks of all levels in one row."""
    kind, index, rest = found["kind"], int(found["index"]), found["rest"]
    if kind == "resnets":
        rest = _RESIDUAL[rest]
    if found["where"] == "mid_block":
        return f"middle_block.{1 if kind == 'attentions' else 2 * index}.{rest}"
    level = int(found["block"])
    layers = unet.config.layers_per_block
    if found["where"] == "down_blocks":
        # One more for conv_in at the start, and one for the sampler at the end of each level.
        first = 1 + level * (layers + 1)
        if kind == "downsamplers":
            return f"input_blocks.{first + layers}.0.op"
        return f"input_blocks.{first + index}.{int(kind == 'attentions')}.{rest}"
    first = level * (layers + 1)
    if kind == "upsamplers":
        # It stands behind the level's last block, in which an attention may be missing.
        has_attention = hasattr(unet.up_blocks[level], "attentions")
        return f"output_blocks.{first + layers}.{1 + has_attention}.conv"
    return f"output_blocks.{first + index}.{int(kind == 'attentions')}.{rest}"
