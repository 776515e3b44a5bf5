"""Brings the parts of a checkpoint into memory, each in its number format, on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import diffusers
import torch
import transformers

from ourvidz.errors import OurvidzError
from ourvidz.plugins.checkpoints.digest import part_digest
from ourvidz.plugins.checkpoints.layout import Checkpoint
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.shared_parts import SharedParts


class Weights(Protocol):
    """Where the weights of parts come from."""

    def digest(self, part: str) -> str:
        """Equal only for equal weights and settings."""
        ...

    def load(self, part: str, part_class: Any, dtype: torch.dtype) -> Any:
        """Load a part, on the CPU and ready to be used. Raises ModelInvalid."""
        ...


@contextmanager
def reading_by_libraries(what: str) -> Iterator[None]:
    """Turns errors of the libraries into ModelInvalid that starts with ``what``.

    Settings and weights that are not as they must be end in errors of any kind.
    """
    try:
        yield
    except (OurvidzError, MemoryError):
        raise
    except Exception as error:
        raise ModelInvalid(f"{what}: {type(error).__name__}: {error}") from error


def load_parts(
    checkpoint: Checkpoint,
    dtypes: Mapping[str, torch.dtype],
    device: torch.device,
    shared: SharedParts,
    weights: Weights,
) -> dict[str, Any]:
    """Load every part that the checkpoint's layout names, by name.

    ``dtypes`` has the number format of each part with weights, which come from ``weights``. Such parts that
    another model in memory was made of are not loaded again. Raises ModelInvalid naming what is wrong.
    """
    index = checkpoint.index()
    parts: dict[str, Any] = {}
    with quiet_libraries():
        for name in checkpoint.layout.parts:
            part_class, dtype = class_named(*index[name]), dtypes.get(name)
            if dtype is None:
                parts[name] = _without_weights(checkpoint, name, part_class)
            else:
                key = (part_class.__name__, weights.digest(name), dtype, device)
                load = partial(weights.load, name, part_class, dtype)
                parts[name] = shared.get(key, partial(_on, device, load))
    return parts


def class_named(library: str, name: str) -> Any:
    """A class of ``diffusers`` or ``transformers``. Raises ModelInvalid if the installed version has none."""
    part_class = getattr({"diffusers": diffusers, "transformers": transformers}[library], name, None)
    if part_class is None:
        raise ModelInvalid(f"{library} {version(library)} has no {name}; update it")
    return part_class


def _on(device: torch.device, load: Callable[[], Any]) -> Any:
    return load().to(device)


class FolderWeights:
    """Weights in the diffusers layout, each part's in its folder."""

    def __init__(self, checkpoint: Checkpoint, digests: Mapping[str, str]) -> None:
        """``digests`` are those of the checkpoint's files."""
        self._checkpoint, self._digests = checkpoint, digests

    def digest(self, part: str) -> str:
        return part_digest(self._digests, part)

    def load(self, part: str, part_class: Any, dtype: torch.dtype) -> Any:
        folder = self._checkpoint.folder / part
        with reading_by_libraries(f"{folder} cannot be loaded as a {part_class.__name__}"):
            model, report = part_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                variant=self._checkpoint.variants[part],
                torch_dtype=dtype,
                output_loading_info=True,
            )
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise ModelInvalid(
                f"{folder}: its weights lack {len(missing)} tensors of a {part_class.__name__}, such as "
                f"{missing[0]}; fetch the checkpoint again"
            )
        return model.eval()


def _without_weights(checkpoint: Checkpoint, name: str, part_class: Any) -> Any:
    folder = checkpoint.folder / name
    # Other classes read weights, pickled ones too, and pipelines even code.
    if not issubclass(part_class, diffusers.SchedulerMixin | transformers.PreTrainedTokenizerBase):
        raise ModelInvalid(f"{folder}: {part_class.__name__} is neither a scheduler nor a tokenizer")
    with reading_by_libraries(f"{folder} cannot be loaded as a {part_class.__name__}"):
        return part_class.from_pretrained(folder, local_files_only=True)
