"""What pixels depend on beside seed and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import torch
from pydantic import JsonValue

from ourvidz.plugins.diffusion.devices import DTYPES, device_name
from ourvidz.spec.settings import Precision

#: Libraries that pixels depend on.
LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers")


def fingerprint(
    family: str,
    checkpoint_digest: str,
    device: torch.device,
    precision: Precision,
    options: Mapping[str, JsonValue],
) -> dict[str, JsonValue]:
    """As JSON; two models of equal fingerprints paint the same pixels.

    ``options`` are the family's own; the number of threads is added to them where it matters.
    """
    return {
        "family": family,
        "checkpoint": checkpoint_digest,
        "libraries": {name: version(name) for name in LIBRARIES},
        "device": device_name(device),
        "precision": precision,
        "options": {
            **options,
            # Sums are split between threads, and rounded accordingly.
            "threads": torch.get_num_threads() if device.type == "cpu" else None,
        },
    }


def precision_name(dtype: torch.dtype) -> Precision:
    """The settings' name of a number format."""
    return next(name for name, one in DTYPES.items() if one == dtype)
