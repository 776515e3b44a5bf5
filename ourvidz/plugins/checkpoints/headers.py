"""The headers of safetensors files: which tensors a file holds, known without reading one of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ourvidz.plugins.family import ModelInvalid

#: Longest header that the safetensors format allows, in bytes.
_MAX_HEADER = 100_000_000


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
        ends = [entry["data_offsets"][1] for entry in header.values()]
        tensors = {
            name: TensorHeader(str(entry["dtype"]), tuple(map(int, entry["shape"])))
            for name, entry in header.items()
        }
        whole = 8 + length + max(ends, default=0)
    except FileNotFoundError:
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelInvalid(f"{path} is not a safetensors file: {error}; fetch it again") from None
    if size != whole:
        raise ModelInvalid(f"{path} has {size} bytes, expected {whole}; fetch it again")
    return tensors


def check_safetensors(path: Path) -> None:
    """Raises what :func:`read_header` raises for a file that is not whole."""
    read_header(path)
