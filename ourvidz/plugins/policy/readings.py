"""The ways in which a prompt may be read as words, however it was written to slip through.

Everything here takes time in proportion to the text: no expression backtracks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

#: Words of letters and digits, and pictographs one by one.
_WORD = re.compile(r"[^\W_]+|[\U0001F300-\U0001FAFF]")

#: Letters that look like Latin ones, after case folding: Cyrillic and Greek.
_LOOKALIKES = str.maketrans("асеһіјкмпорѕтухԁԛԝαεικνορτυχ", "acehijkmnopstyxdqwaeiknoptux")

#: Latin letters in other shapes, by their Unicode name: small capitals, dotless or with a stroke,
#: in squares, regional indicators.
_SHAPED = re.compile(r"(?:.* )?(?:LATIN|REGIONAL) .*\b([A-Z])(?: WITH .*)?")

#: Invisible, yet neither marks nor format characters: Hangul fillers and the empty Braille cell.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")

#: Digits and signs that stand for letters. 1 and | may be an i or an l.
_LEET = "034578@$€+!"
_LEET_I = str.maketrans(_LEET + "1|", "oeastbaseti" + "ii")
_LEET_L = str.maketrans(_LEET + "1|", "oeastbaseti" + "ll")

_THREE_OR_MORE = re.compile(r"(.)\1{2,}")


def fold(text: str) -> str:
    """A text without case, accents and invisible characters; figures and letters of any shape are plain.

    NFKC turns full-width, circled and mathematical letters into plain ones, NFKD parts accents off.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFKD", text).translate(_LOOKALIKES)
    return text if text.isascii() else "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    # Marks and format characters print nothing: accents, zero-width spaces, soft hyphens.
    if category in ("Mn", "Me", "Cf") or character in _BLANKS:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    shaped = _SHAPED.fullmatch(unicodedata.name(character, ""))
    return shaped[1].lower() if shaped else character


def words_of(text: str) -> list[str]:
    """The words of a text as it stands, folded."""
    return _WORD.findall(fold(text))


def readings(text: str) -> Iterator[list[str]]:
    """Lists of words that a text may be meant as; a term found in any of them counts."""
    folded = fold(text)
    for variant in dict.fromkeys((folded, folded.translate(_LEET_I), folded.translate(_LEET_L))):
        words = _WORD.findall(variant)
        yield words
        yield [word.strip("0123456789") for word in words]
        for keep in (r"\1", r"\1\1"):
            yield [_THREE_OR_MORE.sub(keep, word) for word in words]
        # "chi-ld", "under-age": what no space divides is one word as well.
        yield ["".join(_WORD.findall(chunk)) for chunk in variant.split()]


def spelled_out(text: str) -> Iterator[str]:
    """Letters that stand alone one after another, three or more, put together: ``c h i l d``, ``c.h.i``.

    Where such a run begins cannot be known ("a c h i l d"), so terms are looked for inside it.
    """
    folded = fold(text)
    for variant in dict.fromkeys((folded, folded.translate(_LEET_I), folded.translate(_LEET_L))):
        run: list[str] = []
        for word in (*_WORD.findall(variant), ""):
            if len(word) == 1:
                run.append(word)
                continue
            if len(run) > 2:
                yield "".join(run)
            run = []


def broken_words(words: Iterable[str]) -> Iterator[str]:
    """Every two neighbours put together: ``chil dren``."""
    previous = ""
    for word in words:
        if previous:
            yield previous + word
        previous = word
