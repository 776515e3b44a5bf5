"""Checkpoints in the diffusers layout: looked at file by file, before torch is imported.

A checkpoint is a folder with a ``model_index.json`` and one folder for each part of the pipeline.
Weights are read from safetensors files alone, since a pickled file can run code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ourvidz.errors import OurvidzError
from ourvidz.plugins.checkpoints.found import FilesIn, FoundCheckpoint, Kind
from ourvidz.plugins.checkpoints.headers import read_header
from ourvidz.plugins.family import ModelInvalid

#: Settings and vocabularies, beside the weights.
SMALL_FILES = ("*.json", "*.txt")

#: How the file ends that says which tensor is in which of several files.
_INDEX = ".safetensors.index"


class CheckpointExists(OurvidzError):
    """A checkpoint is to be written where something is already."""

    code = "checkpoint_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one folder of a checkpoint has to hold."""

    config: str
    """The file with its settings."""
    classes: tuple[str, ...]
    """What ``model_index.json`` may name, as ``library.Class``; ``*`` stands for the start of a name."""
    weights: str | None = None
    """Its weights without ``.safetensors``; None for a part without weights."""
    vocabulary: tuple[tuple[str, ...], ...] = ()
    """Files of which all those of one group have to be there; transformers makes up what it does not find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a checkpoint of a family has to hold."""

    family: str
    pipeline: str
    """The class in ``model_index.json``."""
    parts: Mapping[str, Part]

    @property
    def weighty(self) -> tuple[str, ...]:
        """The names of the parts with weights."""
        return tuple(name for name, part in self.parts.items() if part.weights is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that holds what its layout asks for."""

    folder: Path
    layout: Layout
    variants: Mapping[str, str | None]
    """By part with weights: ``fp16`` where only files such as ``model.fp16.safetensors`` are there."""
    files: tuple[str, ...]
    """Everything that is read when it is loaded, sorted, relative to the folder."""

    def found(self, kind: Kind = "folder") -> FoundCheckpoint:
        """Its files, for whoever counts or hashes them."""
        files = FilesIn(folder=self.folder, files={name: name for name in self.files})
        return FoundCheckpoint(kind=kind, folders=(files,))

    def settings(self, part: str) -> dict[str, Any]:
        """What the settings file of a part says. Raises ModelInvalid."""
        return read_json(self.folder / part / self.layout.parts[part].config)

    def index(self) -> dict[str, Any]:
        """What ``model_index.json`` says. Raises ModelInvalid."""
        return read_json(self.folder / "model_index.json")


@contextmanager
def reading_checkpoint() -> Iterator[None]:
    """Turns an OSError into ModelInvalid naming the file, also as a decorator."""
    try:
        yield
    except OSError as error:
        file, reason = error.filename or "a file of the checkpoint", error.strerror or str(error)
        raise ModelInvalid(f"{file} cannot be read: {reason}") from None


def read_checkpoint(folder: Path, layout: Layout, *, weights: bool = True) -> Checkpoint:
    """Look at every file of a checkpoint, or without ``weights`` at what else there is in one.

    Raises ModelInvalid naming every file that is not as it must be, one line for each.
    """
    path = folder / "model_index.json"
    with reading_checkpoint():
        if not os.path.lexists(path):
            raise ModelInvalid(
                f"{path} is missing, which every checkpoint in the diffusers layout has; fetch the "
                "checkpoint again, or name one in that layout"
            )
        index = read_json(path)
    found = index.get("_class_name")
    if found != layout.pipeline:
        raise ModelInvalid(f"{path}: found {found}, expected {layout.pipeline}")
    files, variants, problems = ["model_index.json"], dict[str, str | None](), list[str]()
    for name, part in layout.parts.items():
        try:
            with reading_checkpoint():
                _check_class(folder, name, part, index.get(name))
                files += _settings_of(folder / name, part, has_weights=weights)
                if weights and part.weights is not None:
                    variants[name], paths = _weights(folder / name, part.weights)
                    files += [_relative(path) for path in paths]
        except ModelInvalid as error:
            problems.append(str(error))
    if problems:
        raise ModelInvalid("\n".join(problems))
    return Checkpoint(folder=folder, layout=layout, variants=variants, files=tuple(sorted(set(files))))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises ModelInvalid, and OSError if the file cannot be read."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelInvalid(f"{path} is missing; fetch the checkpoint again") from None
    except (ValueError, RecursionError) as error:
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
    found = f"{library}.{class_name}"
    # Whichever else the libraries have, pipelines and models that read pickled files among them.
    if not any(fnmatchcase(found, allowed) for allowed in part.classes):
        raise ModelInvalid(f"{index}: {name} is {found}, expected {' or '.join(part.classes)}")


def _settings_of(folder: Path, part: Part, *, has_weights: bool) -> Iterator[str]:
    read_json(folder / part.config)
    groups = part.vocabulary
    if groups and not any(all((folder / name).is_file() for name in group) for group in groups):
        missing = next(name for name in groups[0] if not (folder / name).is_file())
        raise ModelInvalid(f"{folder / missing} is missing; fetch the checkpoint again")
    for pattern in SMALL_FILES:
        for path in folder.glob(pattern):
            if has_weights or _INDEX not in path.name:
                yield _relative(path)


def _weights(folder: Path, stem: str) -> tuple[str | None, list[Path]]:
    """The variant to load and its files, each of them whole."""
    adapter = folder / "adapter_config.json"
    if os.path.lexists(adapter):
        # transformers would load what this names in place of the weights beside it.
        raise ModelInvalid(f"{adapter}: found an adapter, expected weights alone; remove it")
    for variant in (None, "fp16"):
        dotted = "" if variant is None else f".{variant}"
        whole = folder / f"{stem}{dotted}.safetensors"
        index = folder / f"{stem}{_INDEX}{dotted}.json"
        indexes = _indexes(folder, stem, variant)
        if indexes and (whole.is_file() or indexes != [index]):
            # diffusers takes the index, transformers the whole file.
            both = " and ".join(map(str, [whole, *indexes] if whole.is_file() else indexes))
            raise ModelInvalid(f"{both}: expected one of them, since only one counts; remove the other")
        if whole.is_file() or indexes:
            paths = [whole] if whole.is_file() else [folder / name for name in files_in_index(index)]
            for path in paths:
                read_header(path)
            return variant, paths
    pickled = sorted(path.name for path in folder.glob("*.bin"))
    hint = f"; {pickled[0]} is pickled, which may run code and is never loaded" if pickled else ""
    raise ModelInvalid(f"{folder / stem}.safetensors is missing{hint}")


def _indexes(folder: Path, stem: str, variant: str | None) -> list[Path]:
    """Every file that diffusers may take for the index of a variant, which it has called several names."""
    if variant is None:
        return [path for path in (folder / f"{stem}{_INDEX}.json",) if os.path.lexists(path)]
    paths = folder.glob(f"{stem}.*index*.json")
    return sorted(path for path in paths if {"safetensors", variant} <= set(path.name.split(".")))


def files_in_index(index: Path) -> list[str]:
    """The files that weights are split into, sorted. Raises ModelInvalid."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelInvalid(f"{index}: found no weight_map, expected tensors with their files")
    for name in weight_map.values():
        # Whoever made the checkpoint must not choose files elsewhere on this machine.
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelInvalid(f"{index}: found {name!r}, expected a safetensors file beside it")
    return sorted(set(weight_map.values()))


def _relative(path: Path) -> str:
    """The path of a part's file inside the checkpoint's folder."""
    return f"{path.parent.name}/{path.name}"
