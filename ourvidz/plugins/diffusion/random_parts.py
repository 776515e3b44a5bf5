"""Parts of published models with random weights: all of what they cost, nothing of what they know.

Weights are drawn as each class draws its own before a training, so that signals keep their size and
a picture comes out that is neither black nor of one colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from transformers import PreTrainedModel

from ourvidz.plugins.diffusion.devices import device_name
from ourvidz.plugins.diffusion.host_memory import host_memory
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import DeviceTooSmall

Settings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What each part of a model is made by, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomPart:
    """A part to be built."""

    make: Callable[[], Any]
    """Constructs the module; its class draws the weights."""
    dtype: torch.dtype


def random_parts(
    parts: Mapping[str, RandomPart], device: torch.device, *, seed: int
) -> dict[str, torch.nn.Module]:
    """Build every part on ``device``, by name, ready for inference, without a detour through other memory.

    The same seed gives the same weights on the same device and libraries. Raises DeviceTooSmall
    before anything is built.
    """
    with quiet_libraries():
        nowhere = torch.device("meta")
        need = sum(_bytes(_build(part, nowhere)) for part in parts.values())
        _check_room(need, device)
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            return {name: _build(part, device) for name, part in parts.items()}


def _build(part: RandomPart, device: torch.device) -> torch.nn.Module:
    with device, _default_dtype(part.dtype):
        module: torch.nn.Module = part.make()
    kept = _kept_in_fp32(module, part.dtype)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if kept.intersection(name.split(".")) and tensor.is_floating_point():
            tensor.data = tensor.data.float()
    return module.eval()


def _kept_in_fp32(module: torch.nn.Module, dtype: torch.dtype) -> set[str]:
    """The modules whose weights ``from_pretrained`` leaves in fp32; transformers does so for fp16 alone."""
    if isinstance(module, PreTrainedModel) and dtype != torch.float16:
        return set()
    return set(getattr(module, "_keep_in_fp32_modules", None) or ())


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _bytes(module: torch.nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in (*module.parameters(), *module.buffers()))


def _check_room(need: int, device: torch.device) -> None:
    """Raises DeviceTooSmall if so many bytes of weights do not fit."""
    if device.type == "cuda":
        free, room = torch.cuda.mem_get_info(device)
    else:
        free, room = host_memory()
    if need > free:
        raise DeviceTooSmall(
            f"{device} ({device_name(device)}): the weights alone take {need / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB of {room / 2**30:.1f} GiB are free; "
            "name another device, or a smaller checkpoint instead of random weights"
        )
