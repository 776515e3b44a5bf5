"""One run on several GPUs of one machine, begun by ``torchrun --nproc-per-node 2 -m training …``.

Each process has a GPU and data of its own; all change their weights by the mean of their gradients, so that
they stay alike. Without torchrun there is one process, and nothing here does anything.
"""

from __future__ import annotations

import os

import torch
from torch import distributed

#: This process's number, and how many there are.
RANK, PROCESSES = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def join(device: str) -> None:
    """Meet the other processes, and take a GPU of one's own. Processes that are forked come before it."""
    if PROCESSES == 1:
        return
    if device == "cuda":
        torch.cuda.set_device(RANK)
    # Small values go over gloo, so that no processor waits for its GPU.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")


def agreed(value: float) -> float:
    """The first process's value."""
    if PROCESSES == 1:
        return value
    told = torch.tensor(value, dtype=torch.float64)
    distributed.broadcast(told, 0)
    return told.item()


def average_gradients(module: torch.nn.Module) -> None:
    """Replace every gradient by its mean over all processes."""
    if PROCESSES == 1:
        return
    gradients = [one.grad for one in module.parameters() if one.grad is not None]
    together = torch.cat([one.flatten() for one in gradients])
    distributed.all_reduce(together)
    together /= PROCESSES
    parts = torch.split(together, [one.numel() for one in gradients])
    torch._foreach_copy_(gradients, [part.view_as(one) for part, one in zip(parts, gradients, strict=True)])


def leave() -> None:
    """Say goodbye to the other processes."""
    if PROCESSES > 1:
        distributed.destroy_process_group()
