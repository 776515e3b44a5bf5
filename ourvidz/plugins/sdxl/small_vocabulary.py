"""The tokenizers of a small checkpoint: CLIP's byte-level BPE, learnt from a few words about pictures."""

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

#: Each of these becomes one token; any other text is spelt from pieces and bytes.
WORDS = """
a an the of in on at by with and or over under above below near between beside behind through into from
across along around without no not two three many few some one old new small large big tiny huge tall
wide long short deep high low far close bright dark light soft hard warm cold cool dry wet clean clear
calm quiet wild gentle golden silver red orange yellow green blue purple pink white black grey brown teal
turquoise crimson scarlet amber ivory violet indigo pastel vivid muted colourful colorful monochrome
morning noon evening night dawn dusk sunrise sunset twilight midnight spring summer autumn winter sun
moon star stars sky cloud clouds rain snow mist fog storm thunder lightning wind rainbow aurora horizon
mountain mountains hill hills valley canyon cliff cliffs coast shore beach island sea ocean wave waves
lake river stream waterfall pond water ice glacier desert dune sand rock rocks stone stones cave volcano
forest wood woods tree trees pine oak birch palm leaf leaves branch flower flowers rose tulip sunflower
lavender meadow field fields grass garden moss fern mushroom path road bridge street village town city
harbour harbor lighthouse tower castle temple cathedral church house cottage cabin barn mill windmill
ruins wall gate window door roof tiles stairs market shop cafe library museum station train tram car bus
bicycle boat ship sailing balloon aeroplane airplane rocket lantern lamp candle fire smoke table chair
book books clock vase bowl cup teapot bottle glass basket fruit apple apples pear lemon orange cherry
grapes bread cake cheese coffee tea bird birds owl eagle swan duck fox wolf bear deer horse cow sheep cat
dog rabbit fish whale turtle butterfly bee paper ink pencil charcoal oil watercolour watercolor painting
drawing sketch print photograph photo picture illustration poster mosaic fresco texture pattern abstract
minimal minimalist geometric detailed highly intricate simple realistic impressionist cubist surreal art
deco nouveau baroque vintage modern style study still life landscape seascape cityscape panorama macro
view aerial wide angle focus depth field bokeh contrast shadow shadows reflection reflections glow
glowing haze hazy foggy misty rainy snowy sunny cloudy starry wooden metal marble porcelain copper brass
velvet linen blurry grainy low quality noise dull flat
"""


def write_tokenizer(folder: Path, *, pad: str) -> dict[str, int]:
    """Write a CLIPTokenizer's files into a new ``folder`` and return its vocabulary.

    ``pad`` fills prompts up: the end token in SDXL's first tokenizer, ``!`` in its second.
    """
    from tokenizers.pre_tokenizers import ByteLevel

    # In the order of their code points, which is CLIP's: `!` is token 0.
    letters = sorted(ByteLevel.alphabet())
    merges = _learn_merges(WORDS.split())
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
