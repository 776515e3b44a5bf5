"""What a generation tells while it runs and afterwards: steps, times, memory, numbers that are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from ourvidz.plugins.family import JobContext, OutputInvalid

From = TypeVar("From")
To = TypeVar("To")


class Stages:
    """Measures the stages of one generation, each of which ends by looking at a result.

    Looking waits for the device, so that a stage's time is its own.
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = {}
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[stage] = round(time.monotonic() - start, 4)

    @property
    def peak_memory(self) -> int | None:
        """Most bytes that torch held on the GPU since the start; None on a device that does not count."""
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else None


class Steps:
    """A pipeline's ``callback_on_step_end`` that tells the job's context, counted over all its items."""

    def __init__(self, context: JobContext, item: int, items: int) -> None:
        self._context = context
        self._item = item
        self._items = items

    def __call__(
        self, pipeline: Any, index: int, _timestep: torch.Tensor, _tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        # Of second-order samplers such as heun every look at the model counts.
        each = pipeline.num_timesteps
        self._context.step("denoise", self._item * each + index + 1, self._items * each)
        return {}


def each_told(context: JobContext, stage: str, work: Callable[[From], To], items: Sequence[From]) -> list[To]:
    """What ``work`` makes of each item; the context is told before the first and after every one."""
    context.step(stage, 0, len(items))
    made = []
    for number, item in enumerate(items, start=1):
        made.append(work(item))
        context.step(stage, number, len(items))
    return made


def check_numbers(tensor: torch.Tensor, name: str) -> None:
    """Raises OutputInvalid for a tensor with an element that is infinite or not a number."""
    if not torch.isfinite(tensor).all():
        raise OutputInvalid(
            f"the model's {name} are not numbers; the checkpoint or its precision is to blame"
        )
