"""Where models compute, in which number formats, and with which algorithms."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ourvidz.plugins.family import DeviceMissing
from ourvidz.spec.settings import Precision

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_device(name: str | None) -> torch.device:
    """The device of this name, or else a GPU if there is one. Raises DeviceMissing."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise DeviceMissing(
                f"device {name}: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA GPUs"
            )
        # Deterministic matrix products need it, and cuBLAS reads it once, when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceMissing(f"device {name}: torch {torch.__version__} sees no Metal GPU")
    return device


def device_name(device: torch.device) -> str:
    """What computes: the GPU's name, or the processor's architecture and instruction set."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    kernels = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else "Metal"
    return f"{platform.machine()} {kernels}"


def free_unused_memory() -> None:
    """Give back to the GPU what torch holds of its memory for tensors that are gone."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def algorithms(*, deterministic: bool) -> Iterator[None]:
    """Demand algorithms that always give the same, and leave torch as it was.

    Otherwise torch's defaults hold. Not cuDNN's benchmark: it gains nothing here and, while it
    measures, takes all the memory there is. Nor is memory filled that an operation is about to write,
    which only hides mistakes of operations, and takes up to half the time of a video's convolutions.
    """
    cudnn = torch.backends.cudnn
    debugging: Any = torch.utils.deterministic
    before = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    fills_memory = debugging.fill_uninitialized_memory
    torch.use_deterministic_algorithms(deterministic)
    cudnn.deterministic, cudnn.benchmark = deterministic, False
    debugging.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:]
        debugging.fill_uninitialized_memory = fills_memory
