"""Measures pictures in processes of their own, while others are painted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from training.evaluate.tally import Tally
from training.world.captions import Claim

#: Of one picture, uint8 of H×W×3; or of a video's frames, T×H×W×3.
Pixels = np.ndarray[Any, Any]

#: Claims, and where it is counted how many of them hold.
Expected = tuple[Tally, Sequence[Claim]]


class Measuring:
    """Takes pictures with the claims that are to be true of them."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._pending: list[tuple[tuple[Expected, ...], Future[list[list[bool]]]]] = []

    def add(self, pixels: Pixels, *expected: Expected) -> None:
        """A picture goes to another process once, whatever is to be measured on it."""
        future = self._pool.submit(_measure, pixels, [claims for _, claims in expected])
        self._pending.append((expected, future))

    def finish(self) -> None:
        """Wait until every tally has what was added."""
        for expected, future in self._pending:
            for (tally, claims), held in zip(expected, future.result(), strict=True):
                tally.add(claims, held)
        self._pending = []


@contextmanager
def measuring() -> Iterator[Measuring]:
    # There are as many processes as processors, so each has one thread; read when numpy is imported.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    # Not forked: a process with threads of CUDA must not be.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        pending = Measuring(pool)
        yield pending
        pending.finish()


def _measure(pixels: Pixels, several: Sequence[Sequence[Claim]]) -> list[list[bool]]:
    from training.measure import holds, holds_video

    shows = holds_video if pixels.ndim == 4 else holds
    return [shows(pixels, claims) for claims in several]
