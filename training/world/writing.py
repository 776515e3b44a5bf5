"""Captions as people write them: with words that no caption needs, capital letters and full stops."""

from __future__ import annotations

import random

from ourvidz.plugins.checkpoints.small_words import WORDS
from training.world.captions import vocabulary

#: What a caption says whole, though it is no word of its own there.
COMPOUNDS = ("snow-capped",)

#: Words that say nothing of a scene.
MEANINGLESS = tuple(word for word in WORDS.split() if word not in {*vocabulary(), *COMPOUNDS})

#: How often a caption has words that say nothing, so that such words do little; how many at most.
DISTRACTED, DISTRACTIONS = 0.12, 3

#: How often a caption begins with a capital letter, and ends with a full stop.
CAPITAL, STOP = 0.3, 0.2


def written(text: str, lots: random.Random) -> str:
    """A caption as somebody may write it."""
    words = text.split(" ")
    if lots.random() < DISTRACTED:
        for _ in range(lots.randint(1, DISTRACTIONS)):
            words.insert(lots.randrange(len(words) + 1), lots.choice(MEANINGLESS))
    text = " ".join(words)
    if lots.random() < CAPITAL:
        text = text[0].upper() + text[1:]
    return f"{text}." if lots.random() < STOP else text


def nothing(lots: random.Random) -> str:
    """Words that say nothing: what a negative prompt may well be."""
    return lots.choice((" ", ", ")).join(lots.choices(MEANINGLESS, k=lots.randint(1, 8)))
