"""Names that people choose: of job types, queues, buckets, models, profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

IDENTIFIER_PATTERN = "^[a-z][a-z0-9_]{0,62}$"
IDENTIFIER_RULE = "a name of a-z, 0-9 and _, beginning with a letter, at most 63 long"

_IDENTIFIER = re.compile(IDENTIFIER_PATTERN[1:-1])


def check_identifier(value: str) -> str:
    """Return ``value`` if it can be a name everywhere (SQL, TypeScript, a path), or raise ValueError.

    63 characters at most, PostgreSQL's limit for an identifier.
    """
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(f"expected {IDENTIFIER_RULE}")
    return value


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be, or None."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


Identifier = Annotated[
    str,
    AfterValidator(check_identifier),
    WithJsonSchema({"type": "string", "pattern": IDENTIFIER_PATTERN}),
]
