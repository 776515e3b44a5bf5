"""The tokenizer of a small checkpoint: T5's unigrams, whole words and single letters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: In T5's order, which transformers takes for granted: these are tokens 0, 1 and 2.
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"

#: What T5 puts before each word.
WORD_START = "▁"

#: Printable ASCII and Latin-1. What is neither is an unknown token.
LETTERS = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x100))]

#: Logarithms of probabilities. A word is likelier than any way to spell it.
WORD_SCORE, LETTER_SCORE = -5.0, -10.0


def write_tokenizer(folder: Path, words: Iterable[str]) -> dict[str, int]:
    """Write a T5 tokenizer's files into a new ``folder`` and return its vocabulary.

    Each of ``words`` is one token; any other text is spelt in letters.
    """
    pieces = [(mark, 0.0) for mark in (PAD, END, UNKNOWN)]
    pieces += [(WORD_START + word, WORD_SCORE) for word in dict.fromkeys(words)]
    pieces += [(letter, LETTER_SCORE) for letter in (WORD_START, *LETTERS)]
    folder.mkdir()
    _tokenizer(pieces).save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "T5Tokenizer",
        "eos_token": END,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "extra_ids": 0,
        # No limit, as in the published files; the pipeline says how many tokens it reads.
        "model_max_length": int(1e30),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    return {piece: number for number, (piece, _) in enumerate(pieces)}


def _tokenizer(pieces: list[tuple[str, float]]) -> Any:
    """A tokenizer of the ``tokenizers`` library, built as transformers builds T5's from its pieces."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always", split=True),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START, prepend_scheme="always", split=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", END], pair=["$A", END, "$B", END], special_tokens=[(END, 1)]
    )
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in (PAD, END, UNKNOWN)])
    return tokenizer
