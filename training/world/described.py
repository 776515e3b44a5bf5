"""Scenes drawn by lot, prepared on all processors: what the painters need of them, and their captions."""

from __future__ import annotations

import multiprocessing
import os
import random
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from training.world import landscapes, still_lifes
from training.world.captions import describe
from training.world.drawing_lots import scenes
from training.world.scenes import Landscape, StillLife
from training.world.writing import written

PAINTERS: dict[type, Any] = {Landscape: landscapes, StillLife: still_lifes}

#: Captions of each scene.
CAPTIONS = 6

#: Scenes that a process prepares at a time.
SCENES = 128

#: From N texts to their tokens, N×anything.
Read = Callable[[list[str]], np.ndarray[Any, Any]]

#: Of a process that prepares scenes.
_read: Read | None = None


@dataclass(frozen=True)
class Described:
    """First the landscapes, then the still lifes."""

    packed: dict[type, dict[str, np.ndarray[Any, Any]]]
    """What painters need, by the kind of scene."""
    tokens: np.ndarray[Any, Any] | None
    """N × CAPTIONS × those of a text."""

    @property
    def counts(self) -> dict[type, int]:
        return {kind: len(next(iter(fields.values()))) for kind, fields in self.packed.items()}

    def weights(self, landscapes: float) -> torch.Tensor:
        """How often each is to be seen, in proportion, ``landscapes`` being their share of all.

        The more clouds and trees a landscape has, the more often: their number is what is learnt last.
        """
        share = {Landscape: landscapes, StillLife: 1 - landscapes}
        parts = []
        for kind, fields in self.packed.items():
            weights = torch.ones(self.counts[kind])
            if kind is Landscape:
                for name in ("clouds", "trees"):
                    weights += torch.from_numpy(fields[name]).flatten(1).sum(1)
            parts.append(share[kind] * weights / weights.sum())
        return torch.cat(parts)


def draw_described(lot: object, count: int, *, moving: bool, read: Read | None = None) -> Described:
    """Draw ``count`` scenes; each ``lot`` has its own. They are described if texts can be ``read``.

    Call it before a GPU is used: processes are forked.
    """
    tasks = [
        # Of a checksum, since a process has hashes of its own.
        (zlib.crc32(repr((lot, start)).encode()), min(SCENES, count - start), moving)
        for start in range(0, count, SCENES)
    ]
    if len(tasks) == 1:
        _begin(read)
        return _portion(tasks[0])
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_begin_process, initargs=(read,)) as pool:
        return _together(list(pool.map(_portion, tasks)))


def _begin_process(read: Read | None) -> None:
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _begin(read)


def _begin(read: Read | None) -> None:
    global _read
    _read = read


def _portion(task: tuple[int, int, bool]) -> Described:
    own, count, moving = task
    lots = random.Random(own)
    drawn = list(islice(scenes(own, moving=moving), count))
    packed, texts = {}, []
    for kind, painter in PAINTERS.items():
        mine = [scene for scene in drawn if isinstance(scene, kind)]
        if mine:
            packed[kind] = {name: value.numpy() for name, value in vars(painter.pack(mine)).items()}
        texts += [written(describe(scene, lots).text, lots) for scene in mine for _ in range(CAPTIONS)]
    tokens = _read(texts) if _read else None
    return Described(packed, None if tokens is None else tokens.reshape(count, CAPTIONS, *tokens.shape[1:]))


def _together(portions: list[Described]) -> Described:
    packed: dict[type, dict[str, np.ndarray[Any, Any]]] = {}
    tokens: list[np.ndarray[Any, Any]] = []
    for kind in PAINTERS:
        mine = [portion for portion in portions if kind in portion.packed]
        if not mine:
            continue
        names = mine[0].packed[kind]
        packed[kind] = {
            name: np.concatenate([portion.packed[kind][name] for portion in mine]) for name in names
        }
        tokens += [part for portion in mine for part in _tokens_of(portion, kind)]
    return Described(packed, np.concatenate(tokens) if tokens else None)


def _tokens_of(portion: Described, kind: type) -> Iterator[np.ndarray[Any, Any]]:
    if portion.tokens is None:
        return
    start = 0
    for other, count in portion.counts.items():
        if other is kind:
            yield portion.tokens[start : start + count]
        start += count
