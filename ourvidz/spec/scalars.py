"""Plain scalars of YAML, read in one way only: what readers disagree about is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ourvidz.spec.wording import shorten

PlainValue = bool | int | float | str | None

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")

#: More digits than a double holds exactly are a typing error in a spec.
_MAX_DIGITS = 15

#: What YAML 1.1 and 1.2 readers take for a truth value, null, a merge or a default.
_READ_AS = {
    **dict.fromkeys(("y", "yes", "on", "true"), "true"),
    **dict.fromkeys(("n", "no", "off", "false"), "false"),
    **dict.fromkeys(("~", "null"), "null"),
    "<<": "a merge of mappings",
    "=": "a default value",
}
_LONGEST_WORD = max(map(len, _READ_AS))

_SHORT = 32

#: First characters of every number and date, in any notation.
_NUMERIC = frozenset("0123456789+-.")

_BASE_60 = re.compile(r"[-+]?[0-9]{1,15}(?::[0-5]?[0-9])+(?:\.[0-9]*)?")
_OCTAL = re.compile(r"[-+]?0[0-7]{1,15}")
_OTHER_NUMBER = re.compile(
    r"""[-+]?(?:
        0[xob][0-9a-f_]+                                          # hexadecimal, octal, binary
      | \.(?:inf|nan)
      | (?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:e[-+]?[0-9]+)? # loose decimals, exponents
      | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?               # base 60 with underscores
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")


@dataclass(frozen=True, slots=True)
class Trap:
    """A plain scalar that means different things to different YAML readers."""

    meaning: str
    """What readers make of it."""
    instead: str
    """What to write."""


def read_plain(text: str) -> PlainValue | Trap:
    """Read a scalar without quotes: an integer, a decimal, ``true``, ``false``, ``null`` or a text."""
    return _read_short(text) if len(text) <= _SHORT else _read(text)


def _read(text: str) -> PlainValue | Trap:
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in _NUMERIC:
        return _read_numeric(text)
    meaning = _READ_AS.get(text.lower()) if len(text) <= _LONGEST_WORD else None
    if meaning is None:
        return text
    plain = f"{meaning}, or " if meaning in _WORDS else ""
    return Trap(f"which some readers take for {meaning}", f'{plain}"{shorten(text)}" in quotes for a text')


#: Specs repeat their keys and many of their values.
_read_short = lru_cache(maxsize=4096)(_read)


def _read_numeric(text: str) -> PlainValue | Trap:
    is_integer = _INTEGER.fullmatch(text)
    if is_integer or _DECIMAL.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            return Trap("which has more digits than a number keeps", _instead(text))
        return int(text) if is_integer else float(text)
    if _DATE.fullmatch(text):
        return Trap("which some readers take for a date", f'"{shorten(text)}" in quotes for a text')
    if _BASE_60.fullmatch(text):
        return Trap(f"which some readers take for {_base_60(text):g}, in base 60", _instead(text))
    if _OCTAL.fullmatch(text):
        return Trap(f"which some readers take for {int(text, 8)}, in base 8", _instead(text))
    if _OTHER_NUMBER.fullmatch(text):
        return Trap("which some readers take for a number and some for a text", _instead(text))
    return text


def _base_60(text: str) -> float:
    value = 0.0
    for part in text.lstrip("+-").split(":"):
        value = value * 60 + float(part)
    return -value if text.startswith("-") else value


def _instead(text: str) -> str:
    return f'a number in plain digits, or "{shorten(text)}" in quotes for a text'
