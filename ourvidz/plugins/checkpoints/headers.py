"""The headers of safetensors files: which tensors a file holds, known without reading one of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ourvidz.plugins.family import ModelInvalid

#: Longest header that the safetensors format allows, in bytes.
_MAX_HEADER = 100_000_000

#: Bytes of one number, by the names that safetensors has for number formats (its ``Dtype``).
_SIZES = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 1),
}


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What a file says of one tensor."""

    dtype: str
    """As safetensors has it: ``F32``, ``F16``, ``BF16``, …"""
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, TensorHeader]:
    """Every tensor of a safetensors file by name.

    The header is compared with the file's length. Raises ModelInvalid if the file is missing, is none
    or is not whole, and OSError if it cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER, size):
                raise ValueError("its header is cut off")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        if not all(name.isprintable() for name in header):
            raise ValueError("a tensor's name has characters that no editor shows")
        tensors = {
            name: TensorHeader(str(entry["dtype"]), tuple(map(_count, entry["shape"])))
            for name, entry in header.items()
        }
        whole = 8 + length + _bytes_of(tensors, header)
    except FileNotFoundError:
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelInvalid(f"{path} is not a safetensors file: {error}; fetch it again") from None
    if size != whole:
        raise ModelInvalid(f"{path} has {size} bytes, expected {whole}; fetch it again")
    return tensors


def _bytes_of(tensors: Mapping[str, TensorHeader], header: Mapping[str, Any]) -> int:
    """How many bytes the tensors have, one after the other. Raises ValueError for gaps and overlaps."""
    end = 0
    for name in sorted(tensors, key=lambda name: tuple(map(_count, header[name]["data_offsets"]))):
        tensor, (first, last) = tensors[name], map(_count, header[name]["data_offsets"])
        if first != end:
            raise ValueError(f"{name} starts at byte {first} of the tensors, expected {end}")
        # Number formats that are not known here have bytes that only the libraries can count.
        size = _SIZES.get(tensor.dtype)
        expected = None if size is None else math.prod(tensor.shape) * size
        if last < first or expected not in (None, last - first):
            raise ValueError(
                f"{name} has {last - first} bytes, expected {expected}, as {tensor.dtype} of the shape "
                f"{list(tensor.shape)}"
            )
        end = last
    return end


def _count(value: object) -> int:
    """Raises ValueError for anything but a number of elements or bytes."""
    if type(value) is not int or value < 0:
        raise ValueError(f"found {value!r}, expected a whole number from 0")
    return value
