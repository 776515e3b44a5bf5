"""What pixels depend on beside seed and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import torch
from pydantic import JsonValue

from ourvidz.plugins.diffusion.devices import DTYPES, device_name
from ourvidz.spec.settings import Precision

#: Libraries that pixels depend on, whatever the family.
LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers")


def fingerprint(
    family: str,
    checkpoint_digest: str,
    device: torch.device,
    precision: Precision,
    options: Mapping[str, JsonValue],
    libraries: Sequence[str] = (),
) -> dict[str, JsonValue]:
    """As JSON; two models of equal fingerprints paint the same pixels.

    ``options`` and ``libraries`` are the family's own; the number of threads is added to the former where
    it matters, and what every family needs to the latter.
    """
    return {
        "family": family,
        "checkpoint": checkpoint_digest,
        "libraries": library_versions(libraries, device),
        "device": device_name(device),
        "precision": precision,
        "options": {
            **options,
            # Sums are split between threads, and rounded accordingly.
            "threads": torch.get_num_threads() if device.type == "cpu" else None,
        },
    }


def library_versions(libraries: Sequence[str], device: torch.device) -> dict[str, JsonValue]:
    """Of LIBRARIES and these; on a GPU also of cuDNN, whose convolutions differ from version to version."""
    versions: dict[str, JsonValue] = {name: version(name) for name in (*LIBRARIES, *libraries)}
    if device.type == "cuda":
        versions["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return versions


def precision_name(dtype: torch.dtype) -> Precision:
    """The settings' name of a number format."""
    return next(name for name, one in DTYPES.items() if one == dtype)
