"""Builds a part of a pipeline from tensors that lie in a checkpoint of another layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open

from ourvidz.plugins.checkpoints.headers import TensorHeader
from ourvidz.plugins.checkpoints.origins import Origin
from ourvidz.plugins.diffusion.parts import reading_by_libraries
from ourvidz.plugins.family import ModelInvalid

#: Gives a tensor of the original by its name there.
Read: TypeAlias = Callable[[str], torch.Tensor]

#: Number formats of weights by the names that safetensors has for them.
_FORMATS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}

_THIRDS = {"first third": 0, "second third": 1, "last third": 2}


def number_format(tensor: TensorHeader, where: Path) -> torch.dtype:
    """The number format of a tensor of weights. Raises ModelInvalid for whole numbers and the like."""
    if tensor.dtype not in _FORMATS:
        raise ModelInvalid(f"{where} has weights in {tensor.dtype}, expected one of {', '.join(_FORMATS)}")
    return _FORMATS[tensor.dtype]


@contextmanager
def reading_safetensors(path: Path) -> Iterator[Read]:
    """Gives tensors of a file one at a time. Raises ModelInvalid for a file that is not sound."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file.get_tensor
    except (OSError, SafetensorError) as error:
        raise ModelInvalid(f"{path} cannot be read: {error}") from error


def take(origin: Origin, read: Read) -> torch.Tensor:
    """The tensor that a part has, from the one in the original; a view of that where it can be."""
    tensor = read(origin.name)
    if origin.change == "transposed":
        return tensor.T
    if origin.change in _THIRDS:
        return tensor.chunk(3)[_THIRDS[origin.change]]
    return tensor.reshape(origin.shape(tuple(tensor.shape)))


def check_tensors(where: Path, part_class: Any, settings: Path, found: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names and shapes with those that a part of these settings has, without making one.

    ``settings`` is the folder of its ``config.json``; ``found`` has a shape by each name in the diffusers
    layout. Raises ModelInvalid naming tensors that lack, are too many, or have another shape.
    """
    what = f"{settings / 'config.json'} has no settings of a {part_class.__name__}"
    with reading_by_libraries(what), init_empty_weights():
        empty = _without_weights(part_class, settings)
    expected = {_plain(name): tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    for tied in getattr(empty, "_tied_weights_keys", None) or ():
        expected.pop(_plain(tied), None)
    given = {_plain(name): (name, shape) for name, shape in found.items()}
    lacking = sorted(expected.keys() - given.keys())
    beyond = sorted(name for plain, (name, _) in given.items() if plain not in expected)
    if lacking:
        raise ModelInvalid(
            f"{where} lacks {len(lacking)} tensors of a {part_class.__name__} with the settings in "
            f"{settings}, such as {lacking[0]}"
        )
    if beyond:
        raise ModelInvalid(
            f"{where} has {len(beyond)} tensors that a {part_class.__name__} with the settings in "
            f"{settings} does not have, such as {beyond[0]}"
        )
    for plain, shape in expected.items():
        name, there = given[plain]
        if there != shape:
            raise ModelInvalid(
                f"{where}: {name} has the shape {list(there)}, expected {list(shape)}, as a "
                f"{part_class.__name__} with the settings in {settings} has it"
            )


def build_part(
    part_class: Any, settings: Path, origins: Mapping[str, Origin], read: Read, dtype: torch.dtype
) -> Any:
    """Build a part on the CPU, ready to be used. Its tensors have to be those that it expects."""
    tensors = {name: take(origin, read).to(dtype).contiguous() for name, origin in origins.items()}
    if _is_of_transformers(part_class):
        config = part_class.config_class.from_pretrained(settings)
        return part_class.from_pretrained(None, config=config, state_dict=tensors, torch_dtype=dtype).eval()
    with init_empty_weights():
        part = _without_weights(part_class, settings)
    part.load_state_dict(tensors, assign=True)
    return part.eval()


def _without_weights(part_class: Any, settings: Path) -> Any:
    if _is_of_transformers(part_class):
        return part_class(part_class.config_class.from_pretrained(settings))
    return part_class.from_config(part_class.load_config(settings))


def _is_of_transformers(part_class: Any) -> bool:
    return hasattr(part_class, "config_class")


def _plain(name: str) -> str:
    """transformers 5.6 dropped this prefix from CLIPTextModel; files and older versions have it."""
    return name.removeprefix("text_model.")
