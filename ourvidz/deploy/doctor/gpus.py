"""The GPUs of this machine, as NVIDIA's own program tells them, and whether torch and the workers fit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.plugins.installed_torch import Torch
from ourvidz.spec.settings import WorkerEntry

_PROGRAM = "nvidia-smi"
_PATIENCE = 20.0
_QUERY = "--query-gpu=index,name,driver_version,memory.total,memory.free"
_MIB = 2**20
_GB = 2**30

#: The newest CUDA that the driver runs, as the program's table says it.
_NEWEST_CUDA = re.compile(r"CUDA[^:|]*Version:\s*([0-9]+)\.([0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU. Sizes are in bytes."""

    index: int
    name: str
    driver: str
    total: int
    free: int


class _NoAnswer(Exception):
    """The program is there and does not tell."""


def look_at_gpus(torch: Torch | None, workers: Mapping[str, WorkerEntry]) -> Iterator[Diagnosis]:
    """Driver, memory, and what the settings ask of them."""
    if shutil.which(_PROGRAM) is None:
        wanted = [name for name, one in workers.items() if (one.device or "").startswith("cuda")]
        if wanted:
            yield Diagnosis(
                check="gpu",
                health="failed",
                found=f"no {_PROGRAM}, but workers: {', '.join(wanted)} are to run on a GPU",
                remedy="install NVIDIA's driver, or give them another device in ourvidz.yaml",
            )
        else:
            yield Diagnosis(check="gpu", health="skipped", found=f"no {_PROGRAM}: models run on the CPU")
        return
    try:
        gpus, newest = _gpus(), _newest_cuda()
    except _NoAnswer as error:
        yield Diagnosis(
            check="gpu",
            health="failed",
            found=f"{_PROGRAM}: {error}",
            remedy="mend the driver: its kernel module has to be loaded and be of the same version",
        )
        return
    yield _driver(gpus, newest, torch)
    for gpu in gpus:
        found = f"{gpu.name}, {gpu.free / _GB:.1f} of {gpu.total / _GB:.1f} GB free"
        yield Diagnosis(check=f"gpu {gpu.index}", health="ok", found=found)
    visible = _visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    for name, worker in workers.items():
        yield from _worker(name, worker, visible)


def _ask(*arguments: str) -> str:
    try:
        done = subprocess.run(
            [_PROGRAM, *arguments], capture_output=True, text=True, errors="replace", timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise _NoAnswer(f"no answer within {_PATIENCE:.0f} s") from None
    except OSError as error:
        raise _NoAnswer(error.strerror) from None
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise _NoAnswer(lines[0] if lines else f"exit status {done.returncode}")
    return done.stdout


def _gpus() -> list[Gpu]:
    gpus = []
    for line in _ask(_QUERY, "--format=csv,noheader,nounits").splitlines():
        try:
            index, name, driver, total, free = (one.strip() for one in line.split(","))
            gpus.append(
                Gpu(
                    index=int(index), name=name, driver=driver, total=int(total) * _MIB, free=int(free) * _MIB
                )
            )
        except ValueError:
            raise _NoAnswer(f"found {line[:80]!r}, expected index, name, driver and memory") from None
    if not gpus:
        raise _NoAnswer("it lists no GPU")
    return gpus


def _visible(gpus: list[Gpu], chosen: str | None) -> list[Gpu]:
    """The GPUs that torch sees, in its order. Where they are not chosen by number, all of them."""
    numbers = [one.strip() for one in (chosen or "").split(",")]
    if not all(one.isdecimal() for one in numbers):
        return gpus
    by_index = {gpu.index: gpu for gpu in gpus}
    return [by_index[int(one)] for one in numbers if int(one) in by_index]


def _newest_cuda() -> tuple[int, int] | None:
    match = _NEWEST_CUDA.search(_ask())
    return (int(match[1]), int(match[2])) if match else None


def _driver(gpus: list[Gpu], newest: tuple[int, int] | None, torch: Torch | None) -> Diagnosis:
    found = gpus[0].driver
    if newest is not None:
        found += f", runs CUDA up to {newest[0]}.{newest[1]}"
    if torch is not None and torch.cuda is None:
        return Diagnosis(
            check="driver",
            health="failed",
            found=f"{found}, but torch {torch.version} was built without CUDA and leaves the GPU alone",
            remedy="install the torch that is built for CUDA, from https://download.pytorch.org/whl/",
        )
    # Within a major version, every driver runs what was built for a newer minor one.
    if torch is not None and torch.cuda and newest and int(torch.cuda.split(".")[0]) > newest[0]:
        return Diagnosis(
            check="driver",
            health="failed",
            found=f"{found}, but torch {torch.version} was built for CUDA {torch.cuda}",
            remedy=f"install a newer driver, or the torch that is built for CUDA {newest[0]}",
        )
    return Diagnosis(check="driver", health="ok", found=found)


def _worker(name: str, worker: WorkerEntry, gpus: list[Gpu]) -> Iterator[Diagnosis]:
    """What a worker's entry asks of its GPU, if that is not there."""
    kind, _, number = (worker.device or "cuda").partition(":")
    if kind != "cuda":
        return
    index = int(number or 0)
    gpu = gpus[index] if index < len(gpus) else None
    if gpu is None:
        yield Diagnosis(
            check=f"worker {name}",
            health="failed",
            found=f"device: {worker.device or 'cuda'}, but torch sees {len(gpus)} GPUs, counted from 0",
            remedy=f"give it another device under workers: {name}: in ourvidz.yaml",
        )
    elif worker.vram is not None and worker.vram > gpu.total:
        yield Diagnosis(
            check=f"worker {name}",
            health="failed",
            found=f"vram: {worker.vram / _GB:.1f} GB, but {gpu.name} has {gpu.total / _GB:.1f} GB",
            remedy=f"lower vram under workers: {name}: in ourvidz.yaml, or give it a larger GPU",
        )
