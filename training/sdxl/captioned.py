"""Latents of pictures with several captions of each, kept on the device for a run."""

from __future__ import annotations

import copy
import multiprocessing
import os
import random
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from ourvidz.plugins.checkpoints.small_words import WORDS
from training.world import landscapes, still_lifes
from training.world.canvas import whole
from training.world.captions import describe, vocabulary
from training.world.drawing_lots import scenes
from training.world.scenes import Landscape, StillLife

#: Height and width in pixels.
Size = tuple[int, int]

#: Captions of each picture.
CAPTIONS = 4

#: How often a caption has a word that no caption needs, so that such words do little.
DISTRACTED = 0.1

#: Share of the landscapes in what is learnt from. They have more in them, and smaller, than still lifes.
LANDSCAPES = 0.65

#: Pixels that are painted and encoded at a time.
AT_ONCE = 16 * 1024 * 1024

MEANINGLESS = tuple(word for word in WORDS.split() if word not in set(vocabulary()))

PAINTERS: dict[type, Any] = {Landscape: landscapes, StillLife: still_lifes}


@dataclass(frozen=True)
class Portion:
    """Some scenes of one size: what painters need of them, and the tokens of their captions."""

    size: Size
    fields: dict[type, dict[str, np.ndarray[Any, Any]]]
    tokens: np.ndarray[Any, Any]
    """N × CAPTIONS × 2 × 77, for both text encoders."""
    kinds: list[type]
    """Of each scene: first the landscapes, then the still lifes."""


@dataclass(frozen=True)
class Batch:
    latents: torch.Tensor
    tokens: torch.Tensor
    size: Size


@dataclass(frozen=True)
class Captioned:
    """Pictures of one size."""

    size: Size
    latents: torch.Tensor
    """N × 4 × height/8 × width/8, float16, as the UNet sees them."""
    tokens: torch.Tensor
    weights: torch.Tensor
    """N: how often each is seen, in proportion."""

    def batch(self, count: int, draws: torch.Generator) -> Batch:
        device = self.latents.device
        index = torch.multinomial(self.weights, count, replacement=True, generator=draws)
        which = torch.randint(0, CAPTIONS, (count,), generator=draws, device=device)
        return Batch(self.latents[index].float(), self.tokens[index, which].long(), self.size)


def portions(counts: dict[Size, int], tokenizers: Path, seed: int) -> dict[Size, list[Portion]]:
    """Draw and describe scenes of their own for each size, on all processors.

    Call it before the GPU is used: processes are forked.
    """
    tasks = []
    for size, count in counts.items():
        step = max(1, AT_ONCE // (size[0] * size[1]))
        tasks += [(size, start, min(step, count - start), seed) for start in range(0, count, step)]
    found: dict[Size, list[Portion]] = {size: [] for size in counts}
    with ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("fork"), initializer=_begin, initargs=(tokenizers,)
    ) as pool:
        for portion in pool.map(_portion, tasks, chunksize=4):
            found[portion.size].append(portion)
    return found


@torch.no_grad()
def captioned(vae: AutoencoderKL, found: list[Portion], device: str) -> Captioned:
    """Paint and encode scenes of one size."""
    size = found[0].size
    view = whole(*size, device)
    # A copy in half precision, whose normalisation reads and writes half as much.
    encoder = copy.deepcopy(vae).to(torch.bfloat16).eval()
    latents = []
    for portion in found:
        pictures = torch.cat(list(_painted(portion, view, device)))
        sample = encoder.encode((pictures * 2 - 1).bfloat16()).latent_dist.sample()
        latents.append((sample.float() * vae.config.scaling_factor).half())
    tokens = torch.from_numpy(np.concatenate([portion.tokens for portion in found]))
    return Captioned(size, torch.cat(latents), tokens.to(device), _weights(found).to(device))


def _weights(found: list[Portion]) -> torch.Tensor:
    # Of the scenes that are drawn half are landscapes.
    weight = {Landscape: LANDSCAPES, StillLife: 1 - LANDSCAPES}
    return torch.tensor([weight[kind] for portion in found for kind in portion.kinds])


def _painted(portion: Portion, view: Any, device: str) -> Iterator[torch.Tensor]:
    for kind, fields in portion.fields.items():
        painter = PAINTERS[kind]
        packed = {name: torch.from_numpy(values).to(device) for name, values in fields.items()}
        yield painter.paint(painter.Packed(**packed), view)


def _begin(folder: Path) -> None:
    global _tokenizers
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _tokenizers = [CLIPTokenizer.from_pretrained(folder / name) for name in ("tokenizer", "tokenizer_2")]


def _portion(task: tuple[Size, int, int, int]) -> Portion:
    size, _, count, _ = task
    # Of a checksum, since a process has hashes of its own.
    own = zlib.crc32(repr(task).encode())
    lots = random.Random(own)
    drawn = list(islice(scenes(own), count))
    fields, texts, kinds = {}, [], []
    for kind, painter in PAINTERS.items():
        mine = [scene for scene in drawn if isinstance(scene, kind)]
        if mine:
            fields[kind] = {name: value.numpy() for name, value in vars(painter.pack(mine)).items()}
        kinds += [kind] * len(mine)
        texts += [_distracted(describe(scene, lots).text, lots) for scene in mine for _ in range(CAPTIONS)]
    both = [
        tokenizer(texts, padding="max_length", truncation=True, return_tensors="np").input_ids
        for tokenizer in _tokenizers
    ]
    tokens = np.stack(both, axis=1).astype(np.int16).reshape(count, CAPTIONS, 2, -1)
    return Portion(size, fields, tokens, kinds)


def _distracted(text: str, lots: random.Random) -> str:
    if lots.random() >= DISTRACTED:
        return text
    words = text.split(" ")
    words.insert(lots.randrange(len(words) + 1), lots.choice(MEANINGLESS))
    return " ".join(words)


_tokenizers: list[CLIPTokenizer] = []
