"""Captions as tokens: what the text encoder reads in training."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import T5TokenizerFast

from ourvidz.plugins.checkpoints.small_words import WORDS
from ourvidz.plugins.wan.small_vocabulary import write_tokenizer
from training.world.captions import vocabulary
from training.world.described import Read
from training.world.writing import COMPOUNDS, nothing

#: Tokens of the longest caption, with room for what distracts.
LONGEST = 80

#: Different texts that say nothing, and how many of them have words: a negative prompt may well be such.
NOTHINGS, MEANINGLESS = 256, 0.3


def write_words(folder: Path) -> None:
    """Write the tokenizer as ``folder``, unless it is there."""
    if not folder.is_dir():
        words = [*vocabulary(), *COMPOUNDS]
        write_tokenizer(folder, [*words, *(word.capitalize() for word in words), *WORDS.split()])


def count_words(folder: Path) -> int:
    return len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])


def reader(folder: Path) -> Read:
    """Texts to N × LONGEST tokens by a folder's tokenizer, int16; 0 is padding."""
    tokenizer = T5TokenizerFast.from_pretrained(folder)
    return lambda texts: read(tokenizer, texts)


def nothing_tokens(tokenizer: Path, seed: int) -> np.ndarray[Any, Any]:
    """NOTHINGS × LONGEST, int16, of texts that say nothing; the first, as most of them, is empty."""
    lots = random.Random(f"nothings:{seed}")
    texts = [nothing(lots) if index > NOTHINGS * (1 - MEANINGLESS) else "" for index in range(NOTHINGS)]
    return reader(tokenizer)(texts)


def read(tokenizer: Any, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """N × LONGEST tokens, int16. Raises ValueError for a text that is longer."""
    found: list[list[int]] = tokenizer(list(texts)).input_ids
    if (most := max(map(len, found))) > LONGEST:
        raise ValueError(f"a caption has {most} tokens, expected at most {LONGEST}; raise LONGEST")
    padded = np.zeros((len(found), LONGEST), np.int16)
    for row, one in zip(padded, found, strict=True):
        row[: len(one)] = one
    return padded
