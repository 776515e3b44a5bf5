"""What torch's errors on a GPU mean for the worker: room is made, or the process has to end.

Told by whoever runs a model, whatever its family. torch is not imported: who raises its errors has.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ourvidz.errors import OurvidzError

#: Errors after which, says CUDA's runtime API, all further work of the process fails as well, by the
#: texts of cudaGetErrorString: those that kernels run into, and memory or links that broke.
_DEADLY = (
    "an illegal memory access was encountered",
    "an illegal instruction was encountered",
    "device-side assert triggered",
    "hardware stack error",
    "invalid program counter",
    "misaligned address",
    "operation not supported on global/shared address space",
    "the launch timed out and was terminated",
    "uncorrectable ECC error encountered",
    "uncorrectable NVLink error detected during the execution",
    "unspecified launch failure",
)

#: How torch, and CUDA's libraries below it, say it where it is no torch.OutOfMemoryError.
_NO_MEMORY = ("CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED")

_FIGURES = re.compile(
    r"Tried to allocate (?P<asked>[\d.]+ \w+)"
    r".* has a total capacity of (?P<total>[\d.]+ \w+) of which (?P<free>[\d.]+ \w+) is free"
)


class OutOfMemory(OurvidzError):
    """The GPU's memory does not suffice for the job, not even after everything else was put out of it."""

    code = "out_of_memory"


class DeviceLost(OurvidzError):
    """The GPU can no longer be used from this process, which has to end; its job goes back to its queue."""

    code = "device_lost"
    retryable = True
    #: EX_TEMPFAIL of sysexits.h: start me again.
    exit_status = 75


@contextmanager
def device_errors() -> Iterator[None]:
    """Turn torch's errors on a GPU into ours. Raises OutOfMemory, DeviceLost, and all others as they are."""
    try:
        yield
    except Exception as error:
        known = _read(error)
        if known is None:
            raise
        raise known from error


def forget_frames(error: BaseException) -> None:
    """Let go of what the functions held that an error went through, tensors on the GPU among it."""
    for one in _chain(error):
        traceback.clear_frames(one.__traceback__)


def _read(error: Exception) -> OutOfMemory | DeviceLost | None:
    """The meaning of an error, or of the one that it was raised for; None if it has none of ours."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    for one in _chain(error):
        text = str(one)
        if isinstance(one, torch.cuda.OutOfMemoryError) or text.startswith(_NO_MEMORY):
            return OutOfMemory(_figures(text))
        if isinstance(one, RuntimeError) and text.startswith("CUDA error: "):
            what = text.removeprefix("CUDA error: ").partition("\n")[0]
            if what.startswith(_DEADLY):
                return DeviceLost(f"the GPU cannot be used from this process any more: {what}")
    return None


def _figures(text: str) -> str:
    found = _FIGURES.search(text)
    if found is None:
        return "out of GPU memory; torch does not say how much was asked for"
    asked, free, total = found["asked"], found["free"], found["total"]
    return f"out of GPU memory: asked for {asked}, free are {free} of {total}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
