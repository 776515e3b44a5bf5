"""The tokenizers of a small checkpoint: CLIP's byte-level BPE, learnt from a few words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"

#: Tokens of a prompt, as in every CLIP model of Stable Diffusion.
MAX_TOKENS = 77


def write_tokenizer(folder: Path, words: Iterable[str], *, pad: str) -> dict[str, int]:
    """Write a CLIPTokenizer's files into a new ``folder`` and return its vocabulary.

    Each of ``words`` is one token; any other text is spelt from pieces and letters.
    ``pad`` fills prompts up: the end token in SDXL's first tokenizer, ``!`` in its second.
    """
    from tokenizers.pre_tokenizers import ByteLevel

    # In the order of their code points, which is CLIP's: `!` is token 0.
    letters = sorted(ByteLevel.alphabet())
    merges = _learn_merges(words)
    tokens = [*letters, *(letter + WORD_END for letter in letters), *map("".join, merges), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_TOKENS,
        "add_prefix_space": False,
        "do_lower_case": True,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": pad,
    }
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    return vocabulary


def _learn_merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Byte-pair encoding until every word is one token, ties in the order of the alphabet.

    The tokenizers library can learn merges as well, but breaks ties differently in every run.
    """
    spelt = [[*word[:-1], word[-1] + WORD_END] for word in sorted(set(words))]
    merges: list[tuple[str, str]] = []
    while True:
        counts = Counter(pair for word in spelt for pair in pairwise(word))
        if not counts:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        spelt = [_merge(word, best) for word in spelt]


def _merge(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for piece in word:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
