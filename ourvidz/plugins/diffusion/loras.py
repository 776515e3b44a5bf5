"""LoRAs on a model in memory: each job has exactly its own, and they leave nothing behind.

Layers are left as they are. While a job runs, hooks add to what a layer puts out, so that a model
without LoRAs computes, to the bit, what it would compute if it had never seen one, and models that
share a layer never meet each other's LoRAs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from torch.nn import Conv2d, Linear
from torch.nn.functional import conv2d, linear

from ourvidz.plugins.diffusion.lora_files import LoraFile, LoraInvalid, LoraMissing, LoraPair, read_lora
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.job_type import Lora

Layer = Linear | Conv2d

#: Bytes of LoRAs that a model keeps for jobs to come, beside those of the running job.
KEPT = 2**30


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Matrices:
    """The matrices of a file on a model's device, in the file's order."""

    pairs: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    """down and up."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one.nbytes for pair in self.pairs for one in pair)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Adapter:
    """A file that was read, and the layers that it changes."""

    stamp: tuple[int, int]
    """Size and time of change when it was read."""
    sha256: str
    matrices: Matrices
    layers: tuple[tuple[Layer, float], ...]
    """In the order of the matrices: the layer, and alpha / rank."""


class Loras:
    """The LoRA files of one model: read once, kept, and put on for a job."""

    def __init__(
        self,
        layers: Mapping[str, Layer],
        *,
        root: Path,
        device: torch.device,
        dtype: torch.dtype,
        shared: SharedParts,
    ) -> None:
        """``layers`` are the model's, by every name that files have for them.

        Relative paths start from ``root``.
        """
        self._layers = layers
        self._root = root
        self._device = device
        self._dtype = dtype
        self._shared = shared
        self._kept: dict[Path, _Adapter] = {}
        """Least recently used first."""

    @contextmanager
    def applied(self, wanted: Sequence[Lora]) -> Iterator[list[JsonValue]]:
        """Put on these LoRAs and no others while this lasts; yields each one's name, scale and digest.

        Raises LoraMissing, and LoraInvalid for a file that does not fit the model as a whole.
        """
        adapters = [self._adapter(self._root / Path(one.file).expanduser()) for one in wanted]
        self._forget()
        added: dict[Layer, list[tuple[torch.Tensor, torch.Tensor, float]]] = {}
        for lora, adapter in zip(wanted, adapters, strict=True):
            if lora.scale:
                for (layer, factor), pair in zip(adapter.layers, adapter.matrices.pairs, strict=True):
                    added.setdefault(layer, []).append((*pair, lora.scale * factor))
        with ExitStack() as stack:
            for layer, terms in added.items():
                stack.callback(layer.register_forward_hook(partial(_add, terms)).remove)
            yield [
                # Not the whole path: results are for users.
                {"file": Path(one.file).name, "scale": one.scale, "sha256": adapter.sha256}
                for one, adapter in zip(wanted, adapters, strict=True)
            ]

    def _adapter(self, path: Path) -> _Adapter:
        """What is kept of a file, or the file read; the most recently used one from here on."""
        kept = self._kept.pop(path, None)
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise LoraMissing(
                f"there is no LoRA file {path}; put it there, or correct the job type's loras"
            ) from None
        except OSError as error:
            raise LoraInvalid(f"{path} cannot be read: {error.strerror}") from None
        stamp = (stat.st_size, stat.st_mtime_ns)
        if kept is None or kept.stamp != stamp:
            file = read_lora(path)
            layers = tuple((layer, pair.factor) for layer, pair in _fitted(file, self._layers))
            # Models of one family that are in memory together use the same matrices.
            key = ("lora", file.sha256, self._device, self._dtype)
            matrices = self._shared.get(key, partial(self._matrices, file))
            kept = _Adapter(stamp=stamp, sha256=file.sha256, matrices=matrices, layers=layers)
        self._kept[path] = kept
        return kept

    def _matrices(self, file: LoraFile) -> Matrices:
        pairs = (
            (one.down.to(self._device, self._dtype), one.up.to(self._device, self._dtype))
            for one in file.pairs
        )
        return Matrices(tuple(pairs))

    def _forget(self) -> None:
        """Drop what was not used for longest until the rest is within :data:`KEPT`."""
        size = sum(one.matrices.size for one in self._kept.values())
        for path, adapter in list(self._kept.items()):
            if size <= KEPT:
                return
            size -= adapter.matrices.size
            del self._kept[path]


def _layer_of(layers: Mapping[str, Layer], name: str) -> Layer | None:
    """The layer of a file's name; older diffusers names the attention's processor, not its layers."""
    found = layers.get(name)
    if found is None:
        name = name.replace(".processor.", ".")
        found = layers.get(f"{name}.0" if name.endswith(".to_out") else name)
    return found


def _fitted(file: LoraFile, layers: Mapping[str, Layer]) -> list[tuple[Layer, LoraPair]]:
    """Each pair with its layer. Raises LoraInvalid unless all of them fit."""
    found = [(_layer_of(layers, pair.layer), pair) for pair in file.pairs]
    trained = f"; it says that it was trained for {file.trained_for}" if file.trained_for else ""
    absent = [pair.layer for layer, pair in found if layer is None]
    if absent:
        raise LoraInvalid(
            f"{file.path} is for another model: {len(absent)} of its {len(found)} layers are not in this "
            f"one, such as {absent[0]}{trained}"
        )
    fitted = [(layer, pair) for layer, pair in found if layer is not None]
    for layer, pair in fitted:
        weight = layer.weight
        changes = (pair.up.shape[0], *pair.down.shape[1:])
        if changes != tuple(weight.shape):
            sizes = [" × ".join(map(str, shape)) for shape in (changes, weight.shape)]
            raise LoraInvalid(
                f"{file.path} is for another model: it changes {pair.layer} as a layer of {sizes[0]}, "
                f"expected {sizes[1]}{trained}"
            )
    named = [layer for layer, _ in fitted]
    if len(set(named)) != len(named):
        raise LoraInvalid(f"{file.path} has matrices for one layer under several names")
    return fitted


def _add(
    terms: Sequence[tuple[torch.Tensor, torch.Tensor, float]],
    layer: Layer,
    inputs: tuple[Any, ...],
    output: torch.Tensor,
) -> torch.Tensor:
    """A forward hook: what the layer gives, and what the LoRAs add to it."""
    for down, up, factor in terms:
        if isinstance(layer, Conv2d):
            narrow = conv2d(inputs[0], down, None, layer.stride, layer.padding, layer.dilation)
            wide = conv2d(narrow, up)
        else:
            wide = linear(linear(inputs[0], down), up)
        output = torch.add(output, wide, alpha=factor)
    return output
