"""Checkpoints by what ``ourvidz.yaml`` calls them: a folder, here or in a package, or an id on the hub."""

from __future__ import annotations

import re
from pathlib import Path

from ourvidz.plugins.checkpoints.found import Kind
from ourvidz.plugins.checkpoints.layout import (
    SMALL_FILES,
    Checkpoint,
    Layout,
    read_checkpoint,
    reading_checkpoint,
)
from ourvidz.plugins.checkpoints.locations import path_of
from ourvidz.plugins.family import ModelInvalid, ModelMissing

#: ``owner/name`` as the hub allows it.
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")

#: Endings of files with weights. What ends so is never looked for on the hub.
WEIGHT_FILES = (".safetensors", ".ckpt", ".pth", ".pt", ".bin")


class ComponentsMissing(ModelMissing):
    """The tokenizers and settings that a single file lacks are not where they were looked for."""

    code = "components_missing"


def find_checkpoint(location: str, root: Path, layout: Layout, *, fetch: bool = True) -> Checkpoint:
    """Find a checkpoint by its folder, which may be relative to ``root`` or in a package, or by its hub id.

    A hub id is looked for in the local cache and then, if ``fetch``, on the hub. Raises ModelMissing,
    ModelInvalid.
    """
    folder = path_of(location, root)
    with reading_checkpoint():
        is_folder, is_there = folder.is_dir(), folder.exists()
    if is_folder:
        return read_checkpoint(folder, layout)
    if is_there:
        raise ModelInvalid(f"{folder} is a single file, expected a folder in the diffusers layout")
    looked = f"the folder {folder}"
    if _HUB_ID.fullmatch(location) and not location.endswith(WEIGHT_FILES):
        found = _from_hub(location, layout, weights=True, fetch=fetch)
        if isinstance(found, Checkpoint):
            return found
        looked += f", {found}"
    raise ModelMissing(
        f"there is no checkpoint {location!r}: looked for {looked}. Put a {layout.pipeline} in the "
        "diffusers layout there, name another folder or hub id in ourvidz.yaml (models: … location:), "
        f"or build a small one of random weights with: ourvidz models make-small {layout.family} DIR"
    )


def kind_of(location: str, root: Path) -> Kind:
    """What a location names that :func:`find_checkpoint` found."""
    return "folder" if path_of(location, root).is_dir() else "hub"


def find_components(
    named: str | None, default: str, root: Path, layout: Layout, *, fetch: bool = True
) -> Checkpoint:
    """Find the tokenizers and settings of a checkpoint whose weights are elsewhere.

    ``named`` is a folder or hub id, and may hold weights or not; ``default`` a hub id in its place. The
    local cache is asked first, so that nothing needs a network that was fetched before. Raises
    ComponentsMissing, ModelInvalid.
    """
    location = named or default
    looked = []
    if named is not None:
        try:
            folder = path_of(named, root)
        except ModelMissing as error:
            raise ComponentsMissing(str(error)) from None
        with reading_checkpoint():
            if folder.is_dir():
                return read_checkpoint(folder, layout, weights=False)
        looked.append(f"the folder {folder}")
    if _HUB_ID.fullmatch(location):
        found = _from_hub(location, layout, weights=False, fetch=fetch)
        if isinstance(found, Checkpoint):
            return found
        looked.append(f"{location} in {found}")
    raise ComponentsMissing(
        "a checkpoint in a single file comes without its tokenizers and settings, and these are not on this "
        f"machine: looked for {' and '.join(looked)}. Name a folder in the diffusers layout that has them, "
        f"with weights or without, or a hub id, in ourvidz.yaml (models: … components:); or fetch {default} "
        "once where there is a network"
    )


def _from_hub(repository: str, layout: Layout, *, weights: bool, fetch: bool) -> Checkpoint | str:
    """A checkpoint of the hub, or in words where it was looked for. Raises ModelInvalid."""
    try:
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError:
        return "the hub's local cache, which needs the package huggingface_hub"
    wanted = ["model_index.json", *(f"{name}/{suffix}" for name in layout.parts for suffix in SMALL_FILES)]
    if weights:
        wanted += [
            f"{name}/{part.weights}*.safetensors" for name, part in layout.parts.items() if part.weights
        ]
    tries: list[tuple[bool, str | None]] = [(True, None)]
    # The cache first, so that a worker starts without a network; then without the fp16 copies.
    tries += [(False, "*.fp16.*"), (False, None)] if fetch else []
    problem: Exception | None = None
    for offline, unwanted in tries:
        try:
            path = snapshot_download(
                repository, allow_patterns=wanted, ignore_patterns=unwanted, local_files_only=offline
            )
            return read_checkpoint(Path(path), layout, weights=weights)
        except (ModelInvalid, LocalEntryNotFoundError, HfHubHTTPError, HFValidationError) as error:
            problem = error
    if isinstance(problem, ModelInvalid):
        raise problem
    cache = f"the hub's local cache {constants.HF_HUB_CACHE}"
    reason = str(problem).strip().splitlines()[0]
    return f"{cache} and the hub itself ({reason})" if fetch else cache
