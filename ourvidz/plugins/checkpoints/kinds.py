"""What a file of weights looks like, for whoever put one where another belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ourvidz.plugins.checkpoints.headers import TensorHeader

Tensors: TypeAlias = Mapping[str, TensorHeader]

#: The first convolution of a UNet in the original layout of Stable Diffusion.
FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight"

#: The first convolution of its VAE's decoder, which takes in latents alone.
FROM_LATENTS = "first_stage_model.decoder.conv_in.weight"

#: Channels of a UNet beyond the four of the latents.
_NINE = "a UNet for inpainting, which takes a mask and a masked picture beside the latents"
_EIGHT = "a UNet for editing, which takes a picture beside the latents"


def looks_like(tensors: Tensors) -> str:
    """In words, from the tensors' names and shapes."""
    for words, fits in _KINDS:
        if fits(tensors):
            return words
    some = ", ".join(sorted(tensors)[:3])
    return f"nothing that is known here; it has {len(tensors)} tensors, such as {some}" if some else "nothing"


def input_channels(tensors: Tensors) -> int | None:
    """The channels that a UNet in the original layout takes in."""
    return _taken_in(tensors.get(FIRST_CONVOLUTION))


def latent_channels(tensors: Tensors) -> int | None:
    """The channels of the latents that a VAE in the original layout decodes."""
    return _taken_in(tensors.get(FROM_LATENTS))


def _taken_in(convolution: TensorHeader | None) -> int | None:
    return convolution.shape[1] if convolution and len(convolution.shape) == 4 else None


def _any(*marks: str) -> Callable[[Tensors], bool]:
    return lambda tensors: any(mark in name for name in tensors for mark in marks)


def _starts(*prefixes: str) -> Callable[[Tensors], bool]:
    return lambda tensors: any(name.startswith(prefixes) for name in tensors)


def _channels(number: int) -> Callable[[Tensors], bool]:
    return lambda tensors: input_channels(tensors) == number


#: In this order, since what comes first has the marks of what comes later as well.
_KINDS: tuple[tuple[str, Callable[[Tensors], bool]], ...] = (
    (
        "a LoRA, which is laid over a checkpoint: name it in a job type's loras",
        _any(".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".hada_w1_a"),
    ),
    ("a ControlNet", _starts("control_model.", "controlnet_")),
    (_NINE, _channels(9)),
    (_EIGHT, _channels(8)),
    ("Stable Diffusion 3", _any(".joint_blocks.0.", "joint_blocks.0.x_block")),
    ("FLUX", _any("double_blocks.0.img_attn")),
    ("Stable Diffusion 1", _starts("cond_stage_model.transformer.")),
    ("Stable Diffusion 2", _starts("cond_stage_model.model.")),
    ("SDXL's refiner", _starts("conditioner.embedders.0.model.")),
    ("SDXL", _starts("conditioner.embedders.1.model.")),
    ("a transformer of WAN in its original layout", _any("blocks.0.self_attn.q.weight")),
    (
        "a transformer of WAN, one part of a folder in the diffusers layout",
        _any("condition_embedder.time_embedder."),
    ),
    ("a UNet without text encoders and VAE", _starts("model.diffusion_model.input_blocks.")),
    ("a UNet, one part of a folder in the diffusers layout", _starts("down_blocks.")),
    ("a VAE without anything else", _starts("first_stage_model.", "encoder.", "decoder.")),
    ("a text encoder, one part of a folder in the diffusers layout", _starts("text_model.", "shared.")),
)
