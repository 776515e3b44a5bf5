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


class Measuring:
    """Takes pictures with the claims that are to be true of them."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._pending: list[tuple[Tally, Sequence[Claim], Future[list[bool]]]] = []

    def add(self, tally: Tally, pixels: Pixels, claims: Sequence[Claim]) -> None:
        self._pending.append((tally, claims, self._pool.submit(_measure, pixels, claims)))

    def finish(self) -> None:
        """Wait until every tally has what was added."""
        for tally, claims, future in self._pending:
            tally.add(claims, future.result())
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


def _measure(pixels: Pixels, claims: Sequence[Claim]) -> list[bool]:
    from training.measure import holds, holds_video

    return holds_video(pixels, claims) if pixels.ndim == 4 else holds(pixels, claims)
