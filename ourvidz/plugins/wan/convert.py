"""Converts WAN 2.1 from the layout of its authors to that of diffusers.

The text encoder and the transformer become bf16, in which WAN was trained, unless another precision is
asked for. What is computed in fp32 whatever it is loaded in keeps the numbers that the source has: the
VAE, and the transformer's time embedding, norms, scales and shifts, which are small beside the rest.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import torch

from ourvidz.plugins.checkpoints.found import Progress
from ourvidz.plugins.checkpoints.headers import read_header
from ourvidz.plugins.checkpoints.layout import files_in_index, read_json, reading_checkpoint
from ourvidz.plugins.diffusion.conversion import Original, OriginalPart, write_folder
from ourvidz.plugins.diffusion.devices import DTYPES
from ourvidz.plugins.diffusion.original_parts import Read, number_format, reading_safetensors
from ourvidz.plugins.diffusion.safetensors_writing import json_bytes
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.wan import original
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.original_settings import (
    CLASSES,
    SCHEDULER,
    text_encoder_settings,
    transformer_settings,
    vae_settings,
)
from ourvidz.spec.settings import Precision

#: Modules of the transformer that diffusers keeps in fp32 (``WanTransformer3DModel``), by a part of the name.
KEPT = frozenset({"time_embedder", "scale_shift_table", "norm1", "norm2", "norm3"})

#: Bytes that are read of a mapped file before it is mapped anew.
_MAPPED = 2**28

#: What transformers writes of a tokenizer of T5's class.
_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    "spiece.model",
)

_PLAIN = frozenset(DTYPES.values())

#: Shape and number format of tensors by name.
_Tensors = Mapping[str, tuple[tuple[int, ...], torch.dtype]]


def convert(source: Path, folder: Path, precision: Precision, progress: Progress) -> None:
    """Write the checkpoint in ``source`` as ``folder`` in the diffusers layout.

    Pickled files are read with torch's ``weights_only``, which takes tensors and refuses code. Raises
    CheckpointExists, DiskFull, and ModelInvalid for a file that is not there or not as it must be.
    """
    if not original.is_original(source):
        raise ModelInvalid(
            f"{source} is not WAN 2.1 in the layout of its authors: expected a folder with "
            f"{original.SETTINGS}, {original.TRANSFORMER}.safetensors, {original.TEXT_ENCODER}, "
            f"{original.VAE} and {original.TOKENIZER}/"
        )
    dtype = DTYPES[precision]
    with reading_checkpoint():
        parts = {
            "transformer": _transformer(source, dtype),
            "text_encoder": _text_encoder(source / original.TEXT_ENCODER, dtype),
            "vae": _vae(source / original.VAE),
        }
        small_files = {"scheduler/scheduler_config.json": json_bytes(SCHEDULER), **_tokenizer(source)}
    index = {"_class_name": LAYOUT.pipeline, **{name: list(one) for name, one in CLASSES.items()}}
    write_folder(Original(layout=LAYOUT, index=index, parts=parts, small_files=small_files), folder, progress)


def _transformer(source: Path, dtype: torch.dtype) -> OriginalPart:
    index = source / f"{original.TRANSFORMER}.safetensors.index.json"
    names = files_in_index(index) if index.is_file() else [f"{original.TRANSFORMER}.safetensors"]
    files: dict[str, Path] = {}
    tensors: dict[str, tuple[tuple[int, ...], torch.dtype]] = {}
    for path in (source / name for name in names):
        for name, header in read_header(path).items():
            files[name], tensors[name] = path, (header.shape, number_format(header, path))
    settings = source / original.SETTINGS
    return OriginalPart(
        source=source / names[0],
        settings=transformer_settings(read_json(settings), _shapes(tensors), settings),
        origins=original.transformer_origins(tensors, source / names[0]),
        tensors=tensors,
        open=partial(_reading_each, files),
        dtype=lambda name, own: own if KEPT & set(name.split(".")) and own in _PLAIN else dtype,
    )


def _text_encoder(path: Path, dtype: torch.dtype) -> OriginalPart:
    tensors = _described(_unpickle(path))
    return OriginalPart(
        source=path,
        settings=text_encoder_settings(_shapes(tensors), str(dtype).removeprefix("torch."), path),
        origins=original.text_encoder_origins(tensors, path),
        tensors=tensors,
        open=lambda: nullcontext(_Mapped(path)),
        dtype=lambda *_: dtype,
    )


def _vae(path: Path) -> OriginalPart:
    tensors = _described(_unpickle(path))
    return OriginalPart(
        source=path,
        settings=vae_settings(_shapes(tensors), path),
        origins=original.vae_origins(tensors, path),
        tensors=tensors,
        open=lambda: nullcontext(_Mapped(path)),
        dtype=lambda _, own: own if own in _PLAIN else torch.float32,
    )


def _tokenizer(source: Path) -> dict[str, bytes | Path]:
    folder = source / original.TOKENIZER
    part = LAYOUT.parts["tokenizer"]
    for needed in (part.config, *part.vocabulary[0]):
        if not (folder / needed).is_file():
            raise ModelInvalid(f"{folder / needed} is missing; fetch the checkpoint again")
    # Not whatever else lies there: nothing that is pickled or is code gets into the folder.
    return {f"tokenizer/{name}": folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()}


@contextmanager
def _reading_each(files: Mapping[str, Path]) -> Iterator[Read]:
    """Gives tensors of several safetensors files, each by its name."""

    def read(name: str) -> torch.Tensor:
        with reading_safetensors(files[name]) as read_from:
            return read_from(name)

    yield read


def _shapes(tensors: _Tensors) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, (shape, _) in tensors.items()}


def _described(tensors: Mapping[str, torch.Tensor]) -> _Tensors:
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}


class _Mapped:
    """Gives tensors of a pickled file, mapped anew now and then: what was read counts as memory in use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tensors = _unpickle(path)
        self._read = 0

    def __call__(self, name: str) -> torch.Tensor:
        if self._read > _MAPPED:
            self._tensors, self._read = _unpickle(self._path), 0
        self._read += self._tensors[name].nbytes
        return self._tensors[name]


def _unpickle(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, mapped from the file. Raises ModelInvalid for a file that holds anything else."""
    if not path.is_file():
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again")
    try:
        # Files of before torch 1.6 are no archives, and cannot be mapped.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except MemoryError:
        raise
    except Exception as error:
        # Bytes that were bent end in errors of any kind, some of them without a word; of what is no plain
        # tensor torch says how to run it all the same.
        raise ModelInvalid(
            f"{path} was not read, since it holds more than tensors or is damaged ({type(error).__name__}); "
            "fetch it again, from its authors"
        ) from error
    is_plain = isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(one, torch.Tensor) for name, one in content.items()
    )
    if not is_plain:
        raise ModelInvalid(f"{path}: expected tensors by name, found something else")
    return dict(content)
