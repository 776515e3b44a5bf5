"""Writes weights as safetensors, however large, with one piece of one tensor in memory at a time.

The format: eight bytes with the header's length, the header in JSON, then every tensor's bytes. As the
safetensors library does, larger number formats come first, so that all of them are aligned.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch

from ourvidz.plugins.checkpoints.origins import Origin
from ourvidz.plugins.diffusion.original_parts import Read, take
from ourvidz.plugins.family import ModelInvalid

_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}

#: Elements that are converted at once.
_PIECE = 2**23


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A tensor to be written."""

    name: str
    origin: Origin
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def size(self) -> int:
        """In bytes."""
        return prod(self.shape) * self.dtype.itemsize


def write_weights(
    folder: Path,
    stem: str,
    tensors: Sequence[Planned],
    read: Read,
    *,
    largest: int,
    advance: Callable[[int], None],
) -> dict[str, str]:
    """Write tensors as ``stem.safetensors``, or as several files and their index.

    No file has more than ``largest`` bytes of tensors, unless one tensor has. ``advance`` is told of
    bytes that were written. Return the SHA-256 digest of every file, hexadecimal, by name. Raises
    ModelInvalid for a tensor with elements that the number format cannot hold.
    """
    shards = _shards(tensors, largest)
    names = [
        f"{stem}.safetensors" if len(shards) == 1 else f"{stem}-{i:05}-of-{len(shards):05}.safetensors"
        for i in range(1, len(shards) + 1)
    ]
    digests = {
        name: _write(folder / name, shard, read, advance) for name, shard in zip(names, shards, strict=True)
    }
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": sum(one.size for one in tensors)},
            "weight_map": {
                one.name: name for name, shard in zip(names, shards, strict=True) for one in shard
            },
        }
        path = folder / f"{stem}.safetensors.index.json"
        digests[path.name] = write_small_file(path, json_bytes(index))
    return digests


def write_small_file(path: Path, data: bytes) -> str:
    """Write a file for good. Return its SHA-256 digest, hexadecimal."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def json_bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _shards(tensors: Sequence[Planned], largest: int) -> list[list[Planned]]:
    shards: list[list[Planned]] = [[]]
    size = 0
    for one in sorted(tensors, key=lambda one: one.name):
        if shards[-1] and size + one.size > largest:
            shards.append([])
            size = 0
        shards[-1].append(one)
        size += one.size
    return [sorted(shard, key=lambda one: (-one.dtype.itemsize, one.name)) for shard in shards]


def _write(path: Path, tensors: Sequence[Planned], read: Read, advance: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for piece in _bytes(tensors, read):
            file.write(piece)
            digest.update(piece)
            advance(len(piece))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _bytes(tensors: Sequence[Planned], read: Read) -> Iterator[memoryview]:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for one in tensors:
        start, end = end, end + one.size
        header[one.name] = {
            "dtype": _NAMES[one.dtype],
            "shape": list(one.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield memoryview(len(text).to_bytes(8, "little") + text)
    for one in tensors:
        flat = take(one.origin, read).contiguous().view(-1)
        for start in range(0, flat.numel(), _PIECE):
            converted = flat[start : start + _PIECE].to(one.dtype)
            if not converted.isfinite().all():
                raise ModelInvalid(
                    f"{one.origin.name} has elements that are no numbers in {one.dtype}; "
                    "the file is damaged, or needs another precision"
                )
            yield converted.view(torch.uint8).numpy().data
