"""Every word of a prompt counts, however long it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from ourvidz.plugins.diffusion.prompts import PromptTooLong, token_count
from ourvidz.plugins.family import Output
from ourvidz.plugins.sdxl.prompts import pieces
from tests.plugins.sdxl.conftest import pixels

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Paint = Callable[..., Output]

#: Tokens that the text encoders read at a time.
ROOM = 75


@pytest.fixture(scope="session")
def tokenizers(checkpoint: Path) -> tuple[CLIPTokenizer, CLIPTokenizer]:
    return tuple(CLIPTokenizer.from_pretrained(checkpoint / name) for name in ("tokenizer", "tokenizer_2"))


def test_a_short_prompt_is_one_piece_as_it_was_written(tokenizers: tuple[CLIPTokenizer, ...]) -> None:
    text = "  a lighthouse,  at dusk "
    assert pieces(tokenizers, "prompt", text) == [text]
    assert pieces(tokenizers, "prompt", "tree " * ROOM) == ["tree " * ROOM]


def test_a_long_prompt_is_cut_between_words_and_nothing_is_lost(
    tokenizers: tuple[CLIPTokenizer, ...],
) -> None:
    text = " ".join(["lighthouse", "at", "dusk,", "unfathomably", "extraordinary"] * 40)
    found = pieces(tokenizers, "prompt", text)
    assert len(found) > 2
    assert " ".join(found) == text
    counts = [token_count(tokenizers[0], piece) for piece in found]
    assert max(counts) <= ROOM
    assert sum(counts) == token_count(tokenizers[0], text)


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_words_beyond_the_first_piece_change_the_picture(paint: Paint, name: str) -> None:
    long = "tree " * (ROOM + 5)
    output = paint(**{name: long + "lighthouse"})
    assert pixels(output) != pixels(paint(**{name: long + "glacier"}))
    assert output.effective["prompt_pieces"] == 2


def test_a_prompt_that_fits_is_one_piece(paint: Paint) -> None:
    assert paint(prompt="tree " * ROOM).effective["prompt_pieces"] == 1


def test_a_long_prompt_paints_the_same_twice_and_without_guidance(paint: Paint) -> None:
    long = "a lighthouse at dusk " * 30
    assert pixels(paint(prompt=long)) == pixels(paint(prompt=long))
    assert paint(prompt=long, guidance=1.0).effective["prompt_pieces"] == 2


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_a_word_that_no_encoder_reads_whole_is_refused_with_its_count(paint: Paint, name: str) -> None:
    with pytest.raises(PromptTooLong, match=rf"{name}: a word of \d+ tokens, expected at most {ROOM}"):
        paint(**{name: "q" * 400})
