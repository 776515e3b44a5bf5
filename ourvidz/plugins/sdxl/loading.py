"""Brings an SDXL checkpoint into memory, on a device and in a number format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from pydantic import JsonValue

from ourvidz.plugins.checkpoints.digest import digest_of
from ourvidz.plugins.checkpoints.layout import Checkpoint
from ourvidz.plugins.diffusion.devices import DTYPES, choose_device
from ourvidz.plugins.diffusion.fingerprint import fingerprint, precision_name
from ourvidz.plugins.diffusion.parts import FolderWeights, Weights, load_parts
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import LoadContext
from ourvidz.plugins.sdxl.pipeline import SdxlModel
from ourvidz.plugins.sdxl.single_file import SingleFile
from ourvidz.plugins.sdxl.single_file_weights import SingleFileWeights
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.settings import Precision


def load_model(
    checkpoint: Checkpoint | SingleFile, digests: Mapping[str, str], context: LoadContext
) -> SdxlModel:
    """``digests`` are those of its files. Raises DeviceMissing, and ModelInvalid naming what is wrong."""
    device = choose_device(context.device)
    precision = context.precision or default_precision(device)
    pipeline = _pipeline(checkpoint, digests, device, precision, context.shared)
    values = sdxl_fingerprint(pipeline, digest_of(digests), device, precision)
    return SdxlModel(pipeline, context, device=device, fingerprint=values)


def default_precision(device: torch.device) -> Precision:
    return "fp32" if device.type == "cpu" else "fp16"


def sdxl_fingerprint(
    pipeline: Any, digest: str, device: torch.device, precision: Precision
) -> dict[str, JsonValue]:
    """``digest`` is the checkpoint's."""
    options: dict[str, JsonValue] = {"batch_size": 1, "vae_precision": precision_name(pipeline.vae.dtype)}
    return fingerprint("sdxl", digest, device, precision, options)


def assemble(parts: Mapping[str, Any], *, force_zeros: bool = True) -> Any:
    """Return diffusers' StableDiffusionXLPipeline of these parts.

    ``force_zeros``: no negative prompt means embeddings of zeros, not those of an empty text.
    """
    with quiet_libraries():
        pipeline = diffusers.StableDiffusionXLPipeline(
            **parts,
            force_zeros_for_empty_prompt=force_zeros,
            # Otherwise it would depend on whether a watermarking library happens to be installed.
            add_watermarker=False,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def part_dtype(part: str, precision: Precision, vae_config: Mapping[str, Any]) -> torch.dtype:
    """The number format of a part with weights."""
    if part == "vae" and precision == "fp16" and vae_config.get("force_upcast", True):
        # SDXL's VAE overflows in fp16 and says so; diffusers casts it up for every picture.
        return torch.float32
    return DTYPES[precision]


def _pipeline(
    checkpoint: Checkpoint | SingleFile,
    digests: Mapping[str, str],
    device: torch.device,
    precision: Precision,
    shared: SharedParts,
) -> Any:
    """Raises ModelInvalid naming the part that is wrong."""
    weights: Weights
    if isinstance(checkpoint, SingleFile):
        folder, weights = checkpoint.components, SingleFileWeights(checkpoint, digests)
    else:
        folder, weights = checkpoint, FolderWeights(checkpoint, digests)
    vae = folder.settings("vae")
    dtypes = {name: part_dtype(name, precision, vae) for name in folder.layout.weighty}
    return assemble(
        load_parts(folder, dtypes, device, shared, weights),
        force_zeros=folder.index().get("force_zeros_for_empty_prompt", True),
    )
