"""Brings a WAN checkpoint into memory, on a device and in a number format."""

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
from ourvidz.plugins.diffusion.parts import FolderWeights, load_parts
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import LoadContext
from ourvidz.plugins.wan.pipeline import WanModel
from ourvidz.spec.settings import Precision


def load_model(checkpoint: Checkpoint, digests: Mapping[str, str], context: LoadContext) -> WanModel:
    """``digests`` are those of its files. Raises DeviceMissing, and ModelInvalid naming what is wrong."""
    device = choose_device(context.device)
    precision = context.precision or default_precision(device)
    weights = FolderWeights(checkpoint, digests)
    pipeline = assemble(load_parts(checkpoint, part_dtypes(precision), device, context.shared, weights))
    digest = digest_of(digests)
    return WanModel(pipeline, device=device, fingerprint=wan_fingerprint(pipeline, digest, device, precision))


def default_precision(device: torch.device) -> Precision:
    """WAN was trained in bf16."""
    return "fp32" if device.type == "cpu" else "bf16"


def part_dtypes(precision: Precision) -> dict[str, torch.dtype]:
    """The number format of each part with weights; the VAE, through which every pixel goes, in fp32.

    ``from_pretrained`` keeps some of the transformer's and the text encoder's tensors in fp32 all the
    same: norms, time embedding, scales and shifts.
    """
    dtype = DTYPES[precision]
    return {"text_encoder": dtype, "transformer": dtype, "vae": torch.float32}


def wan_fingerprint(
    pipeline: Any, digest: str, device: torch.device, precision: Precision
) -> dict[str, JsonValue]:
    """``digest`` is the checkpoint's."""
    options: dict[str, JsonValue] = {"batch_size": 1, "vae_precision": precision_name(pipeline.vae.dtype)}
    # ftfy mends the prompt before it is read.
    return fingerprint("wan", digest, device, precision, options, libraries=("ftfy",))


def assemble(parts: Mapping[str, Any]) -> Any:
    """Return diffusers' WanPipeline of these parts."""
    with quiet_libraries():
        pipeline = diffusers.WanPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
