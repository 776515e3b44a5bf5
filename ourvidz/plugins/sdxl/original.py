"""SDXL's tensors in the layout of its authors, in which people share checkpoints as a single file.

Names are those of Stability AI's ``generative-models``, with CLIP's as transformers and OpenCLIP's as
open_clip have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ourvidz.plugins.checkpoints.origins import Change, Origin

#: Where each part stands.
PREFIXES: Mapping[str, str] = {
    "text_encoder": "conditioner.embedders.0.transformer.",
    "text_encoder_2": "conditioner.embedders.1.model.",
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
}

#: What files have beside the weights that make pictures: averages and losses of the training, and what
#: contrastive training used.
_LEFT_OUT = re.compile(
    r"model_ema\..+|first_stage_model\.loss\..+"
    r"|conditioner\.embedders\.0\.transformer\.text_projection\.weight"
    r"|conditioner\.embedders\.0\.transformer\.text_model\.embeddings\.position_ids"
    r"|conditioner\.embedders\.1\.model\.logit_scale"
)

#: Tables of the noise schedule, which follow from the scheduler's settings.
_SCHEDULE = frozenset(
    {
        *("betas", "logvar", "lvlb_weights", "denoiser.sigmas"),
        *("alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod"),
        *("log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod"),
        *("posterior_variance", "posterior_log_variance_clipped"),
        *("posterior_mean_coef1", "posterior_mean_coef2"),
    }
)

#: Marks without a use of their own: the model predicts velocity; its noise ends in noise alone.
MARKS = ("v_pred", "ztsnr")

_UNET = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
_UNET_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_UNET_BLOCK = re.compile(r"(input_blocks|output_blocks)\.(\d+)\.(\d)\.(.+)")
_UNET_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}

_VAE = {
    "quant_conv": "quant_conv",
    "post_quant_conv": "post_quant_conv",
    **{
        f"{side}.{name}": f"{side}.{name}"
        for side in ("encoder", "decoder")
        for name in ("conv_in", "conv_out")
    },
    **{f"{side}.norm_out": f"{side}.conv_norm_out" for side in ("encoder", "decoder")},
}
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_VAE_LEVEL = re.compile(r"(encoder\.down|decoder\.up)\.(\d+)\.(?:block\.(\d+)|(?:down|up)sample)\.(.+)")
_VAE_MIDDLE = re.compile(r"(encoder|decoder)\.mid\.(block_[12]|attn_1)\.(.+)")

_OPEN_CLIP = {
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_OPEN_CLIP_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)[._](weight|bias)")
_THIRDS: tuple[tuple[str, Change], ...] = (("q", "first third"), ("k", "second third"), ("v", "last third"))


@dataclass(frozen=True, slots=True)
class SortedTensors:
    """The tensors of a single file by what they become."""

    parts: Mapping[str, dict[str, Origin]]
    """By part and by the name that the tensor has in the diffusers layout."""
    unknown: list[str] = field(default_factory=list)
    """Names that no part knows."""


def sort_tensors(names: Iterable[str], *, layers: int, levels: int) -> SortedTensors:
    """Say of each tensor of a single file what it becomes.

    ``layers``: residual blocks of each level of the UNet; ``levels``: those of the VAE.
    """
    readers: dict[str, Callable[[str], Iterable[tuple[str, Change]]]] = {
        "text_encoder": _text_encoder,
        "text_encoder_2": _text_encoder_2,
        "unet": lambda name: _unet(name, layers),
        "vae": lambda name: _vae(name, levels),
    }
    found = SortedTensors({part: {} for part in PREFIXES})
    for name in names:
        if name in MARKS or name in _SCHEDULE or _LEFT_OUT.fullmatch(name):
            continue
        part = next((part for part, prefix in PREFIXES.items() if name.startswith(prefix)), None)
        targets = list(readers[part](name.removeprefix(PREFIXES[part]))) if part else []
        if part is None or not targets:
            found.unknown.append(name)
        for target, change in targets:
            found.parts[part or ""][target] = Origin(name, change)
    return found


def _text_encoder(name: str) -> Iterator[tuple[str, Change]]:
    if name.startswith("text_model."):
        yield name, "whole"


def _text_encoder_2(name: str) -> Iterator[tuple[str, Change]]:
    if name in _OPEN_CLIP:
        yield _OPEN_CLIP[name], "whole"
    elif name == "text_projection":
        yield "text_projection.weight", "transposed"
    elif match := _OPEN_CLIP_BLOCK.fullmatch(name):
        number, module, leaf = match.groups()
        layer = f"text_model.encoder.layers.{number}"
        if module == "attn.in_proj":
            yield from ((f"{layer}.self_attn.{one}_proj.{leaf}", third) for one, third in _THIRDS)
        elif module in _OPEN_CLIP_LAYER:
            yield f"{layer}.{_OPEN_CLIP_LAYER[module]}.{leaf}", "whole"


def _unet(name: str, layers: int) -> Iterator[tuple[str, Change]]:
    """``layers``: residual blocks of each level on the way down; on the way up it has one more."""
    module, _, leaf = name.rpartition(".")
    if module in _UNET:
        yield f"{_UNET[module]}.{leaf}", "whole"
    elif match := _UNET_BLOCK.fullmatch(name):
        side, number, slot, inner = match[1], int(match[2]), match[3], match[4]
        level, layer = divmod(number - (side == "input_blocks"), layers + 1)
        block = f"{'down' if side == 'input_blocks' else 'up'}_blocks.{level}"
        if inner in ("op.weight", "op.bias"):
            yield f"{block}.downsamplers.0.conv.{leaf}", "whole"
        elif inner in ("conv.weight", "conv.bias"):
            yield f"{block}.upsamplers.0.conv.{leaf}", "whole"
        else:
            yield from _unet_layer(f"{block}.{'resnets' if slot == '0' else 'attentions'}.{layer}", inner)
    elif name.startswith("middle_block."):
        _, slot, inner = name.split(".", maxsplit=2)
        if slot in _UNET_MIDDLE:
            yield from _unet_layer(f"mid_block.{_UNET_MIDDLE[slot]}", inner)


def _unet_layer(layer: str, inner: str) -> Iterator[tuple[str, Change]]:
    """A residual block, or a stack of attention, whose names are diffusers' own."""
    module, _, leaf = inner.rpartition(".")
    if ".attentions." in layer:
        yield f"{layer}.{inner}", "whole"
    elif module in _UNET_RESNET:
        yield f"{layer}.{_UNET_RESNET[module]}.{leaf}", "whole"


def _vae(name: str, levels: int) -> Iterator[tuple[str, Change]]:
    """The decoder's levels, ``levels`` of them, are counted from the picture, and by diffusers towards it."""
    module, _, leaf = name.rpartition(".")
    if module in _VAE:
        yield f"{_VAE[module]}.{leaf}", "whole"
    elif match := _VAE_LEVEL.fullmatch(name):
        side, level, layer, inner = match[1], int(match[2]), match[3], match[4]
        block = (
            f"encoder.down_blocks.{level}" if "down" in side else f"decoder.up_blocks.{levels - 1 - level}"
        )
        if layer is not None:
            yield f"{block}.resnets.{layer}.{inner.replace('nin_shortcut', 'conv_shortcut')}", "whole"
        else:
            yield f"{block}.{'down' if 'down' in side else 'up'}samplers.0.{inner}", "whole"
    elif match := _VAE_MIDDLE.fullmatch(name):
        side, module, inner = match.groups()
        if module != "attn_1":
            yield f"{side}.mid_block.resnets.{int(module[-1]) - 1}.{inner}", "whole"
        elif inner.rpartition(".")[0] in _VAE_ATTENTION:
            one, _, leaf = inner.rpartition(".")
            change: Change = "matrix" if leaf == "weight" and one != "norm" else "whole"
            yield f"{side}.mid_block.attentions.0.{_VAE_ATTENTION[one]}.{leaf}", change
