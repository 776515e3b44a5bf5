"""What servers say, for messages: a server may quote what it was sent, and secrets stay out of logs."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

#: What stands in the place of a secret.
HIDDEN = "…"


def quoted(words: str, secrets: Iterable[str | None], *, longest: int) -> str:
    """The first ``longest`` characters of what was said, without these secrets, plain or in %-escapes."""
    # The longest first: one secret may hold another one.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for spelling in (secret, quote(secret, safe="")):
            words = words.replace(spelling, HIDDEN)
    return words[:longest]
