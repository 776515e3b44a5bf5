"""Scenes drawn by lot, prepared on all processors: what the painters need of them, and their captions."""

from __future__ import annotations

import multiprocessing
import os
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.wan.words import caption_tokens
from training.world import landscapes, still_lifes
from training.world.drawing_lots import scenes
from training.world.scenes import Landscape, StillLife

PAINTERS: dict[type, Any] = {Landscape: landscapes, StillLife: still_lifes}

#: Scenes of a portion.
SCENES = 128


@dataclass(frozen=True)
class Portion:
    """Some scenes, first the landscapes, then the still lifes."""

    packed: dict[type, dict[str, np.ndarray[Any, Any]]]
    """What painters need, by the kind of scene."""
    count: int
    tokens: np.ndarray[Any, Any] | None
    """N × CAPTIONS × LONGEST."""


def draw(lot: object, count: int, *, moving: bool, tokenizer: Path | None = None) -> list[Portion]:
    """Draw ``count`` scenes; each ``lot`` has its own. They are described if there is a ``tokenizer``.

    Call it before a GPU is used: processes are forked.
    """
    tasks = [
        # Of a checksum, since a process has hashes of its own.
        (zlib.crc32(repr((lot, start)).encode()), min(SCENES, count - start), moving, tokenizer)
        for start in range(0, count, SCENES)
    ]
    if len(tasks) == 1:
        return [_portion(tasks[0])]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork"), initializer=_begin) as pool:
        return list(pool.map(_portion, tasks))


def _begin() -> None:
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _portion(task: tuple[int, int, bool, Path | None]) -> Portion:
    own, count, moving, tokenizer = task
    drawn = list(islice(scenes(own, moving=moving), count))
    packed = {}
    for kind, painter in PAINTERS.items():
        if mine := [scene for scene in drawn if isinstance(scene, kind)]:
            packed[kind] = {name: values.numpy() for name, values in vars(painter.pack(mine)).items()}
    ordered = sorted(drawn, key=lambda scene: list(PAINTERS).index(type(scene)))
    tokens = None if tokenizer is None else caption_tokens(ordered, tokenizer, own).numpy()
    return Portion(packed, count, tokens)
