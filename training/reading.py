"""Text encoders learn to read before anything is painted: by answering what a caption says.

CLIP and T5 come to a real checkpoint as readers, too. A small encoder that only hears of its words through
a denoiser's error takes half of the denoiser's training to tell three trees from three clouds.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import Any

import click
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.optimizers import Optimizer
from training.runs import Average, Run, learning_rate
from training.world.captions import describe
from training.world.combinations import named
from training.world.described import SCENES, Read
from training.world.drawing_lots import scenes
from training.world.questions import QUESTIONS, answers
from training.world.writing import written

#: Heads and their width by which the questions look at a text, about a denoiser's.
HEADS, WIDTH = 4, 32

#: Of a process that prepares captions.
_read: Read

#: Captions by which the reading is measured at the end; each names what training never shows.
MEASURED = 2048


class Questioner(nn.Module):
    """Asks embeddings of texts: each question attends to the words, and to nothing else."""

    def __init__(self, words: int, pooled: int | None) -> None:
        """``words`` and ``pooled`` are widths; without a pooled embedding only the words are asked."""
        super().__init__()
        answers_of_all = sum(len(values) + 1 for values in QUESTIONS.values())
        self.query = nn.Parameter(torch.randn(len(QUESTIONS), HEADS, WIDTH))
        self.key = nn.Linear(words, HEADS * WIDTH)
        self.value = nn.Linear(words, HEADS * WIDTH)
        self.answers = nn.ModuleList(
            nn.Linear(HEADS * WIDTH, len(values) + 1) for values in QUESTIONS.values()
        )
        self.from_pooled = nn.Linear(pooled, answers_of_all) if pooled else None

    def forward(self, words: torch.Tensor, pooled: torch.Tensor | None) -> list[list[torch.Tensor]]:
        """For each question the logits of its answers, B×answers, by the words and by what is pooled."""
        keys, values = (
            part(words).unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for part in (self.key, self.value)
        )
        queries = self.query.transpose(0, 1).expand(len(words), -1, -1, -1)
        seen = functional.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
        found = [[answer(seen[:, index])] for index, answer in enumerate(self.answers)]
        if self.from_pooled is not None and pooled is not None:
            several = self.from_pooled(pooled).split(
                [len(values) + 1 for values in QUESTIONS.values()], dim=1
            )
            for logits, other in zip(found, several, strict=True):
                logits.append(other)
        return found


def teach(
    run: Run,
    encoder: nn.Module,
    embed: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]],
    read: Read,
    *,
    seed: int,
    captions: int,
    batch: int,
    height: float,
    device: str,
) -> None:
    """Train ``encoder`` until the run is over; it gets the mean of its weights.

    ``embed`` gives the words' and the pooled embedding of tokens, by ``encoder``; ``read`` gives tokens.
    """
    # Both before a GPU is used: processes are forked.
    drawn = _draw(seed, captions, read), _draw(seed, MEASURED, read, unseen=True)
    (tokens, wanted), unseen = ([torch.from_numpy(one).to(device) for one in pair] for pair in drawn)
    with torch.no_grad():
        words, pooled = embed(tokens[:1].long())
    questioner = Questioner(words.shape[-1], None if pooled is None else pooled.shape[-1]).to(device)
    both = nn.ModuleList([encoder, questioner])
    average = Average(both, decay=0.99)
    optimizer = Optimizer(both, lr=height, weight_decay=0.01)
    run.resume(both, average, optimizer)
    lots = torch.Generator(device).manual_seed(seed + run.step)
    for share in run.steps(both, average, optimizer):
        index = torch.randint(len(tokens), (batch,), generator=lots, device=device)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            found = questioner(*embed(tokens[index].long()))
        right = wanted[index]
        losses = [
            functional.cross_entropy(logits.float(), right[:, question])
            for question, several in enumerate(found)
            for logits in several
        ]
        loss = torch.stack(losses).sum() / len(QUESTIONS)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(learning_rate(share, height))
        average.update(both, run.step)
        with torch.no_grad():
            whole = _whole([several[0] for several in found], right)
        run.note(loss=loss, misread=1 - whole)
    both.load_state_dict(average.module.state_dict())
    _measure(lambda tokens: questioner(*embed(tokens)), *unseen)


@torch.no_grad()
def _measure(
    ask: Callable[[torch.Tensor], list[list[torch.Tensor]]], tokens: torch.Tensor, right: torch.Tensor
) -> None:
    """Say how many captions are misread that name what was held out, from each kind of embedding."""
    starts = range(0, len(tokens), SCENES)
    answered = [ask(tokens[start : start + SCENES].long()) for start in starts]
    for kind, name in enumerate(("words", "pooled")[: len(answered[0][0])]):
        parts = [[several[kind] for several in found] for found in answered]
        wrong = [
            1 - _whole(found, right[start : start + SCENES])
            for start, found in zip(starts, parts, strict=True)
        ]
        share = torch.stack(wrong).mean().item()
        click.echo(f"captions with a combination that was held out, misread from {name}: {share:.2%}")


def _whole(logits: Sequence[torch.Tensor], right: torch.Tensor) -> torch.Tensor:
    """Share of the captions of which every question is answered rightly."""
    answered = torch.stack([one.argmax(dim=1) for one in logits], dim=1)
    return (answered == right).all(dim=1).float().mean()


def _draw(
    seed: int, captions: int, read: Read, *, unseen: bool = False
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Tokens of captions, half of them of clips, and the answers, N × questions."""
    tasks = [
        (zlib.crc32(repr(("reading", seed, start)).encode()), min(SCENES, captions - start), unseen)
        for start in range(0, captions, SCENES)
    ]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_begin, initargs=(read,)) as pool:
        found = list(pool.map(_portion, tasks, chunksize=8))
    texts, asked = zip(*found, strict=True)
    return np.concatenate(texts), np.concatenate(asked)


def _begin(read: Read) -> None:
    global _read
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _read = read


def _portion(task: tuple[int, int, bool]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    own, count, unseen = task
    lots = random.Random(own)
    moving = lots.random() < 0.5
    described = (describe(scene, lots) for scene in scenes(own, unseen=unseen, moving=moving))
    captions = list(islice((one for one in described if not unseen or named(one.claims)), count))
    texts = [written(caption.text, lots) for caption in captions]
    return _read(texts), np.array([answers(caption.claims) for caption in captions])
