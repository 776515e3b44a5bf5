"""Checkpoints in the diffusers layout: found, and looked at file by file, before torch is imported.

A checkpoint is a folder with a ``model_index.json`` and one folder for each part of the pipeline.
Weights are read from safetensors files alone, since a pickled file can run code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ourvidz.errors import OurvidzError
from ourvidz.plugins.family import ModelInvalid, ModelMissing

#: ``owner/name`` as the hub allows it.
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")

#: Settings, vocabularies and the index of weights that are split, beside the weights.
_SMALL = ("*.json", "*.txt")

#: Longest header that the safetensors format allows, in bytes.
_MAX_HEADER = 100_000_000


class CheckpointExists(OurvidzError):
    """A checkpoint is to be written where something is already."""

    code = "checkpoint_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one folder of a checkpoint has to hold."""

    config: str
    """The file with its settings."""
    class_name: str | None = None
    """Its class in ``model_index.json``; None: any of the library's own."""
    weights: str | None = None
    """Its weights without ``.safetensors``; None for a part without weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a checkpoint of a family has to hold."""

    family: str
    pipeline: str
    """The class in ``model_index.json``."""
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that holds what its layout asks for."""

    folder: Path
    layout: Layout
    variants: Mapping[str, str | None]
    """By part with weights: ``fp16`` where only files such as ``model.fp16.safetensors`` are there."""
    files: tuple[str, ...]
    """Everything that is read when it is loaded, sorted, relative to the folder."""


def find_checkpoint(location: str, root: Path, layout: Layout) -> Checkpoint:
    """Find a checkpoint by its folder, which may be relative to ``root``, or by its hub id.

    A hub id is looked for in the local cache and then on the hub. Raises ModelMissing, ModelInvalid.
    """
    folder = root / Path(location).expanduser()
    with reading_checkpoint():
        is_folder, is_there = folder.is_dir(), folder.exists()
    if is_folder:
        return read_checkpoint(folder, layout)
    if is_there:
        raise ModelInvalid(
            f"{folder} is a single file, expected a folder in the diffusers layout; "
            f"{layout.pipeline}.from_single_file(…).save_pretrained(…) of diffusers converts one"
        )
    if _HUB_ID.fullmatch(location):
        return _from_hub(location, folder, layout)
    raise _missing(location, f"the folder {folder}", layout)


@contextmanager
def reading_checkpoint() -> Iterator[None]:
    """Turns an OSError into ModelInvalid naming the file, also as a decorator."""
    try:
        yield
    except OSError as error:
        file, reason = error.filename or "a file of the checkpoint", error.strerror or str(error)
        raise ModelInvalid(f"{file} cannot be read: {reason}") from None


@reading_checkpoint()
def read_checkpoint(folder: Path, layout: Layout) -> Checkpoint:
    """Look at every file of a checkpoint. Raises ModelInvalid naming the file that is not as it must be."""
    index = _read_json(folder / "model_index.json")
    found = index.get("_class_name")
    if found != layout.pipeline:
        raise ModelInvalid(f"{folder / 'model_index.json'}: found {found}, expected {layout.pipeline}")
    files, variants = ["model_index.json"], dict[str, str | None]()
    for name, part in layout.parts.items():
        _check_class(folder, name, part, index.get(name))
        _read_json(folder / name / part.config)
        files += (_relative(path, folder) for path in _small_files(folder / name))
        if part.weights is not None:
            variants[name], weights = _weights(folder / name, part.weights)
            for path in weights:
                check_safetensors(path)
            files += (_relative(path, folder) for path in weights)
    return Checkpoint(folder=folder, layout=layout, variants=variants, files=tuple(sorted(set(files))))


def check_safetensors(path: Path) -> None:
    """Compare a safetensors file's header with its length. Raises ModelInvalid if it is not whole."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER, size):
                raise ValueError("its header is cut off")
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except FileNotFoundError:
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelInvalid(f"{path} is not a safetensors file: {error}; fetch it again") from None
    whole = 8 + length + max(ends, default=0)
    if size != whole:
        raise ModelInvalid(f"{path} has {size} bytes, expected {whole}; fetch it again")


def _from_hub(repository: str, folder: Path, layout: Layout) -> Checkpoint:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["model_index.json", *(f"{name}/{suffix}" for name in layout.parts for suffix in _SMALL)]
    wanted += [f"{name}/{part.weights}*.safetensors" for name, part in layout.parts.items() if part.weights]
    problem: Exception | None = None
    # The cache first, so that a worker starts without a network; then without the fp16 copies.
    for offline, unwanted in ((True, None), (False, "*.fp16.*"), (False, None)):
        try:
            path = snapshot_download(
                repository, allow_patterns=wanted, ignore_patterns=unwanted, local_files_only=offline
            )
            return read_checkpoint(Path(path), layout)
        except (ModelInvalid, LocalEntryNotFoundError, HfHubHTTPError, HFValidationError) as error:
            problem = error
    if isinstance(problem, ModelInvalid):
        raise problem
    reason = str(problem).strip().splitlines()[0]
    looked = f"the folder {folder}, the hub's local cache and the hub itself ({reason})"
    raise _missing(repository, looked, layout)


def _missing(location: str, looked: str, layout: Layout) -> ModelMissing:
    return ModelMissing(
        f"there is no checkpoint {location!r}: looked for {looked}. Put a {layout.pipeline} in the "
        "diffusers layout there, name another folder or hub id in ourvidz.yaml (models: … location:), "
        f"or build a small one of random weights with: ourvidz models make-small {layout.family} DIR"
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again") from None
    except ValueError as error:
        raise ModelInvalid(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ModelInvalid(f"{path}: found {type(content).__name__}, expected a JSON object")
    return content


def _check_class(folder: Path, name: str, part: Part, entry: object) -> None:
    index = folder / "model_index.json"
    library, class_name = entry if isinstance(entry, list) and len(entry) == 2 else (None, None)
    if library not in ("diffusers", "transformers"):
        raise ModelInvalid(
            f"{index}: {name} is {entry!r}, expected a class of diffusers or transformers; "
            "code that comes with a checkpoint is never run"
        )
    if part.class_name is not None and class_name != part.class_name:
        raise ModelInvalid(f"{index}: {name} is a {class_name}, expected a {part.class_name}")


def _small_files(folder: Path) -> Iterator[Path]:
    for pattern in _SMALL:
        yield from folder.glob(pattern)


def _weights(folder: Path, stem: str) -> tuple[str | None, list[Path]]:
    """The variant to load and its files."""
    for variant in (None, "fp16"):
        dotted = "" if variant is None else f".{variant}"
        whole = folder / f"{stem}{dotted}.safetensors"
        if whole.is_file():
            return variant, [whole]
        index = folder / f"{stem}.safetensors.index{dotted}.json"
        if index.is_file():
            return variant, [folder / name for name in _names_in(index)]
    pickled = sorted(path.name for path in folder.glob("*.bin"))
    hint = f"; {pickled[0]} is pickled, which may run code and is never loaded" if pickled else ""
    raise ModelInvalid(f"{folder / stem}.safetensors is missing{hint}")


def _names_in(index: Path) -> list[str]:
    """The files that weights are split into, sorted."""
    weight_map = _read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelInvalid(f"{index}: found no weight_map, expected tensors with their files")
    for name in weight_map.values():
        # Whoever made the checkpoint must not choose files elsewhere on this machine.
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelInvalid(f"{index}: found {name!r}, expected a safetensors file beside it")
    return sorted(set(weight_map.values()))


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
