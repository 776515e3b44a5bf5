"""How problems put values and positions into words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ourvidz.spec.identifiers import nearest
from ourvidz.spec.problems import FieldPath

#: Characters of a value that a message repeats.
_MAX_LENGTH = 60

#: Names that a message lists.
_MAX_NAMES = 40

_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


def shorten(text: str) -> str:
    """One line of at most 60 characters, without the credentials of a URL."""
    text = _USER_INFO.sub("…@", text[:2000])
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def show(value: object) -> str:
    """A value as a spec would have it, shortened."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return shorten(str(value)) if not isinstance(value, str) or value.strip() else "an empty text"


def dotted(path: FieldPath) -> str:
    """``("loras", 0, "scale")`` as ``loras[0].scale``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" if text else shorten(part)
    return text


def one_of(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else "one of " + ", ".join(names)


def one_of_known(what: str, name: str, known: Iterable[str]) -> str:
    """``what`` is expected, with the known name that was probably meant, or else all if they are few."""
    names = sorted(known)
    meant = nearest(name, names)
    if meant:
        return f"{what}; did you mean {meant}?"
    return f"{what}: {', '.join(names)}" if 0 < len(names) <= _MAX_NAMES else what
