"""LoRA files: found, looked at and read, whichever trainer wrote them. Names no torch before it reads.

A LoRA adds to the weight W of a layer the product of two thin matrices:
W + scale · (alpha / rank) · up · down (https://arxiv.org/abs/2106.09685, section 4.1).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.plugins.checkpoints.headers import read_header
from ourvidz.plugins.family import ModelInvalid

if TYPE_CHECKING:
    from torch import Tensor

#: What the formats call the two matrices of a layer: kohya's scripts, peft, and older diffusers.
_MATRIX = re.compile(
    r"(?P<layer>.+?)"
    r"(?:\.lora_(?P<kohya>down|up)"
    r"|\.lora_(?P<peft>A|B)(?:\.default)?"
    r"|(?:\.lora|_lora|\.lora_linear_layer)\.(?P<older>down|up))"
    r"\.weight"
)

_ALPHA = ".alpha"

#: Where diffusers notes what its files do not have as tensors.
_ADAPTER_METADATA = "lora_adapter_metadata"

#: How diffusers notes a layer that has an alpha of its own.
_LAYER_NAME = re.compile(r"\^?[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")

#: Where trainers note which model a file was trained for.
_TRAINED_FOR = ("modelspec.architecture", "ss_base_model_version")


class LoraMissing(NotReady):
    """A LoRA file is not where its job type says."""

    code = "lora_missing"


class LoraInvalid(OurvidzError):
    """A LoRA file is damaged, not plain LoRA, or made for another model; it is never put on in part."""

    code = "lora_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraPair:
    """What a file adds to one layer: ``factor`` · ``up`` · ``down``."""

    layer: str
    """The layer as the file calls it."""
    down: Tensor
    """rank × inputs, and × kernel height × kernel width for a convolution."""
    up: Tensor
    """outputs × rank, and × 1 × 1 for a convolution."""
    factor: float
    """alpha / rank, or alpha / √rank where the file says so (rsLoRA)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFile:
    """A LoRA file, read."""

    path: Path
    sha256: str
    """Hexadecimal."""
    trained_for: str | None
    """The model that it was trained for, in its trainer's words, if it says so."""
    pairs: tuple[LoraPair, ...]


def read_lora(path: Path) -> LoraFile:
    """Read a LoRA file. Raises LoraInvalid for one that is not whole, plain and sound."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    if path.suffix != ".safetensors":
        raise LoraInvalid(
            f"{path}: expected a file that ends in .safetensors; other formats may be pickled, "
            "which can run code, and are never loaded"
        )
    try:
        read_header(path)
        data = path.read_bytes()
        tensors = load(data)
    except OSError as error:
        raise LoraInvalid(f"{path} cannot be read: {error.strerror}") from None
    except ModelInvalid as error:
        raise LoraInvalid(f"LoRA: {error}") from None
    except SafetensorError as error:
        raise LoraInvalid(f"{path} is not a safetensors file: {error}") from None
    metadata = _metadata(data)
    return LoraFile(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        trained_for=next((metadata[key] for key in _TRAINED_FOR if key in metadata), None),
        pairs=_pairs(path, tensors, metadata),
    )


def _metadata(data: bytes) -> dict[str, str]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata


def _pairs(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[LoraPair, ...]:
    matrices: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if not tensor.float().isfinite().all():
            raise LoraInvalid(f"{path}: {key} has elements that are no finite numbers")
        match = _MATRIX.fullmatch(key)
        if match and tensor.is_floating_point():
            side = "down" if match["kohya"] == "down" or match["peft"] == "A" else match["older"] or "up"
            matrices.setdefault(match["layer"], {})[side] = tensor
        elif key.endswith(_ALPHA) and tensor.numel() == 1:
            alphas[key.removesuffix(_ALPHA)] = tensor
        else:
            raise LoraInvalid(
                f"{path}: found {key}, which is no part of a plain LoRA; expected pairs of matrices such as "
                "….lora_down.weight and ….lora_up.weight (DoRA, LoHa, LoKr and the like are not supported)"
            )
    if not matrices:
        raise LoraInvalid(f"{path} has no LoRA matrices")
    stray = sorted(alphas.keys() - matrices.keys())
    if stray:
        raise LoraInvalid(f"{path}: found {stray[0]}{_ALPHA} without matrices")
    adapter = _adapter_metadata(path, metadata)
    return tuple(
        _pair(path, layer, matrices[layer], alphas.get(layer), adapter) for layer in sorted(matrices)
    )


def _pair(
    path: Path, layer: str, matrices: Mapping[str, Tensor], alpha: Tensor | None, adapter: Mapping[str, Any]
) -> LoraPair:
    if len(matrices) != 2:
        raise LoraInvalid(f"{path}: {layer} has only one of its two matrices")
    down, up = matrices["down"], matrices["up"]
    rank = down.shape[0] if down.ndim else 0
    is_pair = down.ndim == up.ndim in (2, 4) and rank == up.shape[1] and up.shape[2:].numel() == 1
    if not (is_pair and rank):
        shapes = f"{_shape(up)} and {_shape(down)}"
        raise LoraInvalid(f"{path}: the matrices of {layer}, {shapes}, cannot be multiplied")
    factor = alpha.item() / rank if alpha is not None else _noted_factor(path, layer, rank, adapter)
    return LoraPair(layer=layer, down=down, up=up, factor=factor)


def _noted_factor(path: Path, layer: str, rank: int, adapter: Mapping[str, Any]) -> float:
    """By what diffusers noted; without a note alpha is the rank."""
    part, _, name = layer.partition(".")
    patterns = adapter.get(f"{part}.alpha_pattern") or {}
    alpha = next(
        (other for pattern, other in patterns.items() if _is_named(name, pattern)),
        adapter.get(f"{part}.lora_alpha", rank),
    )
    if not _is_finite(alpha):
        raise LoraInvalid(
            f"{path}: found {alpha!r:.40} in its {_ADAPTER_METADATA}, "
            f"expected a finite number as alpha of {layer}"
        )
    return float(alpha) / (math.sqrt(rank) if adapter.get(f"{part}.use_rslora") else rank)


def _is_named(name: str, pattern: str) -> bool:
    """As peft matches them: the whole name or its end, and only the whole one behind a ``^``."""
    return f"^{name}" == pattern or f".{name}".endswith(f".{pattern}")


def _is_finite(alpha: object) -> bool:
    try:
        return isinstance(alpha, int | float) and math.isfinite(alpha)
    except OverflowError:
        return False


def _adapter_metadata(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What diffusers noted about the adapter, such as ``unet.lora_alpha``; empty if nothing."""
    try:
        adapter = json.loads(metadata.get(_ADAPTER_METADATA, "{}"))
    except (ValueError, RecursionError) as error:
        raise LoraInvalid(f"{path}: its {_ADAPTER_METADATA} is no JSON object: {error}") from None
    if not isinstance(adapter, dict):
        raise LoraInvalid(f"{path}: its {_ADAPTER_METADATA} is no JSON object")
    for key, value in adapter.items():
        if key.endswith(".use_dora") and value:
            raise LoraInvalid(f"{path} is a DoRA, says its {_ADAPTER_METADATA}; only plain LoRA is supported")
        if key.endswith(".alpha_pattern") and value:
            _check_patterns(path, key, value)
    return adapter


def _check_patterns(path: Path, key: str, patterns: object) -> None:
    """Raises LoraInvalid for what diffusers never writes: peft would run it as a regular expression."""
    if not isinstance(patterns, dict):
        raise LoraInvalid(f"{path}: {key} of its {_ADAPTER_METADATA} is no JSON object")
    for pattern in patterns:
        if not _LAYER_NAME.fullmatch(pattern):
            raise LoraInvalid(
                f"{path}: found the name {pattern!r:.80} in {key} of its {_ADAPTER_METADATA}, "
                "expected a layer's name or its end, such as attn2.to_k"
            )


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))
