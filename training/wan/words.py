"""Captions as tokens: what the text encoder reads in training."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import T5TokenizerFast

from ourvidz.plugins.checkpoints.small_words import WORDS
from ourvidz.plugins.wan.small_vocabulary import write_tokenizer
from training.world.captions import describe, vocabulary
from training.world.scenes import Scene

#: Captions of each clip.
CAPTIONS = 4

#: Tokens of the longest caption, with room for what distracts.
LONGEST = 80

#: How often a caption has words that say nothing, so that such words do little; how many at most.
DISTRACTED, DISTRACTIONS = 0.12, 3

#: Different texts that say nothing, and how many of them have words: a negative prompt may well be such.
NOTHINGS, MEANINGLESS = 256, 0.3

#: How often a caption begins with a capital letter, and ends with a full stop.
CAPITAL, STOP = 0.3, 0.2

#: What a caption says whole, though it is no word of its own there.
COMPOUNDS = ("snow-capped",)


def write_words(folder: Path) -> None:
    """Write the tokenizer as ``folder``, unless it is there."""
    if not folder.is_dir():
        words = [*vocabulary(), *COMPOUNDS]
        write_tokenizer(folder, [*words, *(word.capitalize() for word in words), *WORDS.split()])


def count_words(folder: Path) -> int:
    return len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])


def caption_tokens(drawn: Sequence[Scene], tokenizer: Path, seed: int) -> torch.Tensor:
    """N × CAPTIONS × LONGEST, int16, of captions of scenes as people may write them; 0 is padding."""
    lots = random.Random(f"captions:{seed}")
    fillers = _meaningless()
    texts = [_written(describe(scene, lots).text, fillers, lots) for scene in drawn for _ in range(CAPTIONS)]
    found = read(T5TokenizerFast.from_pretrained(tokenizer), texts)
    return found.to(torch.int16).view(len(drawn), CAPTIONS, -1)


def nothing_tokens(tokenizer: Path, seed: int) -> torch.Tensor:
    """NOTHINGS × LONGEST, int16, of texts that say nothing; the first, as most of them, is empty."""
    lots = random.Random(f"nothings:{seed}")
    fillers = _meaningless()
    texts = [
        lots.choice((" ", ", ")).join(lots.choices(fillers, k=lots.randint(1, 8)))
        if index > NOTHINGS * (1 - MEANINGLESS)
        else ""
        for index in range(NOTHINGS)
    ]
    return read(T5TokenizerFast.from_pretrained(tokenizer), texts).to(torch.int16)


def read(tokenizer: Any, texts: Sequence[str]) -> torch.Tensor:
    """N × LONGEST tokens. Raises ValueError for a text that is longer."""
    found: list[list[int]] = tokenizer(list(texts)).input_ids
    if (most := max(map(len, found))) > LONGEST:
        raise ValueError(f"a caption has {most} tokens, expected at most {LONGEST}; raise LONGEST")
    padded = torch.zeros(len(found), LONGEST, dtype=torch.long)
    for row, one in zip(padded, found, strict=True):
        row[: len(one)] = torch.tensor(one)
    return padded


def _meaningless() -> list[str]:
    """Words that no caption has."""
    known = {*vocabulary(), *COMPOUNDS}
    return [word for word in WORDS.split() if word not in known]


def _written(text: str, meaningless: Sequence[str], lots: random.Random) -> str:
    words = text.split(" ")
    if lots.random() < DISTRACTED:
        for _ in range(lots.randint(1, DISTRACTIONS)):
            words.insert(lots.randrange(len(words) + 1), lots.choice(meaningless))
    text = " ".join(words)
    if lots.random() < CAPITAL:
        text = text[0].upper() + text[1:]
    return f"{text}." if lots.random() < STOP else text
