"""Brings an SDXL checkpoint into memory, part by part, on a device and in a number format."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from typing import Any

import diffusers
import torch
import transformers
from pydantic import JsonValue
from safetensors import SafetensorError

from ourvidz.plugins.checkpoint import Checkpoint
from ourvidz.plugins.checkpoint_digest import checkpoint_digest
from ourvidz.plugins.family import DeviceMissing, ModelInvalid
from ourvidz.plugins.quiet_libraries import quiet_libraries
from ourvidz.spec.settings import Precision

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}

#: Libraries that pixels depend on.
LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers")


def choose_device(name: str | None) -> torch.device:
    """The device of this name, or else a GPU if there is one. Raises DeviceMissing."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceMissing(
            f"device {name}: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA GPUs"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceMissing(f"device {name}: torch {torch.__version__} sees no Metal GPU")
    return device


def load_pipeline(checkpoint: Checkpoint, device: torch.device, precision: Precision) -> Any:
    """Return diffusers' StableDiffusionXLPipeline. Raises ModelInvalid naming the part that is wrong."""
    if device.type == "cuda":
        # Deterministic matrix products need it, and cuBLAS reads it once, when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    index = json.loads((checkpoint.folder / "model_index.json").read_bytes())
    with quiet_libraries():
        parts = {name: _load_part(checkpoint, name, index[name][1], precision) for name in _PARTS}
        pipeline = diffusers.StableDiffusionXLPipeline(
            **parts,
            force_zeros_for_empty_prompt=index.get("force_zeros_for_empty_prompt", True),
            # Otherwise it would depend on whether a watermarking library happens to be installed.
            add_watermarker=False,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


_PARTS = ("scheduler", "tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "unet", "vae")


def _load_part(checkpoint: Checkpoint, name: str, class_name: str, precision: Precision) -> Any:
    folder = checkpoint.folder / name
    part_class = getattr(diffusers, class_name, None) or getattr(transformers, class_name, None)
    if part_class is None:
        raise ModelInvalid(f"{folder}: neither diffusers nor transformers has a {class_name}; update them")
    try:
        if name not in checkpoint.variants:
            return part_class.from_pretrained(folder, local_files_only=True)
        part, report = part_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant=checkpoint.variants[name],
            torch_dtype=_dtype(folder, name, precision),
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, LookupError, RuntimeError, SafetensorError) as error:
        raise ModelInvalid(f"{folder} cannot be loaded as a {class_name}: {error}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise ModelInvalid(
            f"{folder}: its weights lack {len(missing)} tensors of a {class_name}, such as {missing[0]}; "
            "fetch the checkpoint again"
        )
    return part.eval()


def _dtype(folder: Any, name: str, precision: Precision) -> torch.dtype:
    if name == "vae" and precision == "fp16":
        # SDXL's VAE overflows in fp16 and says so; diffusers casts it up for every picture.
        config = json.loads((folder / "config.json").read_bytes())
        if config.get("force_upcast", True):
            return torch.float32
    return DTYPES[precision]


def fingerprint(checkpoint: Checkpoint, pipeline: Any, precision: Precision) -> dict[str, JsonValue]:
    """What pixels depend on beside seed and parameters; JSON."""
    device: torch.device = pipeline.device
    return {
        "family": "sdxl",
        "checkpoint": checkpoint_digest(checkpoint),
        "libraries": {name: version(name) for name in LIBRARIES},
        "device": _device_name(device),
        "precision": precision,
        "options": {
            "batch_size": 1,
            "vae_precision": next(name for name, dtype in DTYPES.items() if dtype == pipeline.vae.dtype),
            # Sums are split between threads, and rounded accordingly.
            "threads": torch.get_num_threads() if device.type == "cpu" else None,
        },
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    kernels = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else "Metal"
    return f"{platform.machine()} {kernels}"
