"""JSON that can be read in one way only.

Python reads more than JSON says (NaN, duplicate keys, numbers of any length) and PostgreSQL less
(no lone surrogate). What passes here means the same to every producer and receiver.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Levels of lists and objects inside each other. Envelopes need three; metadata may have the rest.
MAX_DEPTH = 32

#: Digits of a whole number. JavaScript keeps 16 of them; an SQL bigint has 19.
MAX_DIGITS = 19

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """Bytes that are no JSON at all."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was read, and why it must not be used as it is, if so.

    The value is given even then, so that the job's id can be found in it. A key that stands twice
    is left out of it.
    """

    value: object
    problem: str | None


def parse_json(payload: bytes) -> Document:
    """Read UTF-8 JSON. Raises NotJson where there is nothing to be read."""
    problems: list[str] = []
    try:
        text = payload.decode("utf-8")
        try:
            value = _FLAWLESS.decode(text)
        except _Flawed:
            value = _decoder(problems.append).decode(text)
    except UnicodeDecodeError as error:
        raise NotJson(f"found bytes that are not UTF-8 at position {error.start}, expected JSON") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"found no JSON ({error.msg} at position {error.pos}), expected an object") from None
    except RecursionError:
        raise NotJson(f"found more levels than can be read, expected at most {MAX_DEPTH}") from None
    if not problems and ("\\u" in text or text.count("[") + text.count("{") >= MAX_DEPTH):
        problems.extend(_look_inside(value))
    return Document(value, problems[0] if problems else None)


class _Flawed(Exception):
    """There is a problem, and so a second reading to do."""


def _decoder(tell: Callable[[str], None]) -> json.JSONDecoder:
    """A reader that tells of every problem, and leaves out what has it."""

    def read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(key for key, _ in pairs)
            for key in (key for key, count in times.items() if count > 1):
                tell(f"{key!a}: found {times[key]} times in one object, expected once")
                del found[key]
        return found

    def read_integer(digits: str) -> int | None:
        if len(digits.lstrip("-")) > MAX_DIGITS:
            tell(f"found a number of {len(digits)} digits, expected at most {MAX_DIGITS}")
            return None
        return int(digits)

    def read_float(digits: str) -> float | None:
        value = float(digits)
        if math.isinf(value):
            tell(f"found the number {digits[:20]}, expected one below 1.8e308")
            return None
        return value

    return json.JSONDecoder(
        object_pairs_hook=read_object,
        parse_int=read_integer,
        parse_float=read_float,
        parse_constant=lambda name: tell(f"found the number {name}, expected a finite one"),
    )


def _stop(problem: str) -> None:
    raise _Flawed(problem)


#: Making a reader takes longer than reading with it: nearly every payload is read by this one.
_FLAWLESS = _decoder(_stop)


def _look_inside(value: object) -> Iterator[str]:
    """Find what is nested too deep, and text that UTF-8 cannot carry."""
    level = [value]
    for _ in range(MAX_DEPTH):
        for text in (one for one in level if isinstance(one, str)):
            if _LONE_SURROGATE.search(text):
                yield "found half of a surrogate pair in a text, expected whole characters"
        level = [child for parent in level for child in _children(parent)]
    if level:
        yield f"found more than {MAX_DEPTH} levels inside each other, expected fewer"


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value
