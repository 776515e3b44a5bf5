"""Ages below 18 in a prompt, in figures and in words.

Every age counts, since nobody can tell from a text whose it is: "a 12 year old oak" and "10 years
old whisky" are refused like a person's. Write "an old oak" instead. "for 10 years" is no age. A number
that is said of somebody counts whatever follows: "she is 16 metres away" is refused as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Numbers with their separators, words, and the punctuation that ends a remark ("y.o." has none).
_TOKEN = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]+|[.,;:!?](?![^\W_])|\)")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")

_TEENS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {word: value for value, word in enumerate(_TEENS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}

#: Units of an age, and how many of them make a year.
_PER_YEAR = {
    **dict.fromkeys(("year", "years", "yr", "yrs", "y"), 1),
    **dict.fromkeys(("month", "months", "mo", "mos"), 12),
    **dict.fromkeys(("week", "weeks"), 52),
    **dict.fromkeys(("day", "days"), 365),
}

#: What follows a unit ("years old"), and what says both at once ("yo").
_OLD = {"old", "olds", "o", "young"}
_YEARS_OLD = {"yo", "yos", "yearold", "yearolds", "yearsold", "yrold", "yrsold"}

#: What stands before an age, and what may stand between.
_AGE = {"age", "aged", "ages"}
_ABOUT = {"of", "is", "was", "about", "around", "only", "just", "barely", "at", "like", "nearly", ":"}
_BELOW = {"under", "below", "younger", "yet"}
_THAN = {"than", "the", "age", "of"}

_PERSON = {
    *("girl", "girls", "woman", "women", "lady", "female", "girlfriend", "model", "person"),
    *("man", "men", "guy", "male", "boyfriend"),
}
_END = set(".,;!?)")

#: Who may be said to be of an age, beside _PERSON, also with a verb and no apostrophe.
_PRONOUNS = {"she", "he", "i", "you", "we", "they", "who"}
_CONTRACTED = {"shes", "hes", "im", "whos"}

#: How it is said. What several are may be their number ("they are two friends").
_ARE = {"are", "were", "re"}
_IS = {"is", "was", "s", "am", "m", "be", "turned", "turns", "turning"}
_NEARLY = {
    *("about", "around", "only", "just", "barely", "like", "nearly", "almost", "now", "still", "already"),
    *("both", "all", "has", "had", "have", "will", "ll", "not", "yet"),
}

#: What makes another word of a figure: 3rd, 3d, 8k.
_SUFFIXES = {"st", "nd", "rd", "th", "d", "k"}

ADULT = 18


Token = str | float


def names_minor_age(folded: str) -> bool:
    """Whether a folded text (:func:`ourvidz.plugins.policy.readings.fold`) gives an age below 18."""
    tokens = _read_numbers(_TOKEN.findall(folded))
    return any(
        isinstance(value, float)
        and _is_minor_age(value, tokens[max(0, at - 8) : at], tokens[at + 1 : at + 4])
        for at, value in enumerate(tokens)
    )


def _is_minor_age(value: float, before: Sequence[Token], after: Sequence[Token]) -> bool:
    first, second, third = (*after, ".", ".", ".")[:3]
    per_year = _PER_YEAR.get(first, 0) if isinstance(first, str) else 0
    # As in: under 18, below the age of 16, younger than 18 years.
    ends = first in _END or first in _YEARS_OLD or per_year > 0
    if ends and _follows(before, _THAN, _BELOW):
        return value <= ADULT
    # As in: 15yo; he is 9 old.
    if first in _YEARS_OLD or (first in _OLD and second in _END):
        return value < ADULT
    # As in: 15 years old; 18 months of age; a 15 year girl.
    if per_year and (second in _OLD or second in _PERSON or (second == "of" and third in _AGE)):
        return value < ADULT * per_year
    # As in: aged 9; age: 12; at the age of about 15.
    if _follows(before, _ABOUT, _AGE):
        return value < ADULT * (per_year or 1)
    # As in: she is 16; he has just turned twelve; the girls were 16 and 17.
    if value < ADULT and _is_said_of_somebody(before, first, second):
        return True
    # As in: girl, 15; girl (15).
    return first in _END and value < ADULT and _follows(before, {",", ":"}, _PERSON)


def _is_said_of_somebody(before: Sequence[Token], first: Token, second: Token) -> bool:
    """Whether a number between these tokens may be the age of whoever the sentence is about."""
    verb = _verb_of_somebody(before)
    if verb in _ARE:
        return isinstance(first, float) or first in _END or first in ("and", "or")
    is_one_of_many = first == "of" and second not in _AGE
    return bool(verb) and first not in _SUFFIXES and not is_one_of_many


def _verb_of_somebody(before: Sequence[Token]) -> str:
    """The verb that a number follows and a person stands before; empty if there is none."""
    verb = ""
    for token in reversed(before):
        if token in _PRONOUNS:
            return verb
        if token in _CONTRACTED:
            return verb or "is"
        if token in _PERSON:
            # "The man's 5 dogs" are his.
            return "" if verb == "s" else verb
        if isinstance(token, str) and (token in _IS or token in _ARE):
            verb = verb or token
        elif token not in _NEARLY:
            return ""
    return ""


def _follows(before: Sequence[Token], between: set[str], words: set[str]) -> bool:
    """Whether one of ``words`` stands before, with nothing but ``between`` after it."""
    for token in reversed(before):
        if token in words:
            return True
        if token not in between:
            return False
    return False


def _read_numbers(tokens: Sequence[str]) -> list[Token]:
    """Tokens with figures and number words as numbers; ``twenty``, ``five`` become 25."""
    read: list[Token] = []
    in_words = False
    for token in tokens:
        last = read[-1] if read else ""
        if token[0].isdigit():
            read.append(_figure(token))
            in_words = False
        elif token in _NUMBERS:
            value = float(_NUMBERS[token])
            if in_words and isinstance(last, float) and _continues(last, value):
                read[-1] = last + value
            else:
                read.append(value)
            in_words = True
        elif token in _SCALES:
            if isinstance(last, float):
                read[-1] = max(last, 1.0) * _SCALES[token]
            else:
                read.append(float(_SCALES[token]))
            in_words = True
        elif not (in_words and token == "and"):
            read.append(token)
            in_words = False
    return read


def _continues(last: float, value: float) -> bool:
    """Whether a number word belongs to the number before it: 5 after 20, anything below 100 after 200."""
    return (last % 100 == 0 and last > 0) or (last % 10 == 0 and last % 100 >= 20 and value < 10)


def _figure(text: str) -> float:
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    whole = re.split("[.,]", text)
    # "1.5 years old" is one and a half; in a list such as "12,15" the last one counts.
    return float(text) if len(whole) == 2 and "." in text else float(whole[-1])
