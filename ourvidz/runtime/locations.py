"""URLs of backends: ``sqlite:data/queue.sqlite3?synchronous=normal``, ``file:/srv/media``.

Messages never repeat a URL: one that was meant for another backend may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import BackendContext
from ourvidz.spec.identifiers import nearest

#: What an option may be called. What is called otherwise is a part of something else, such as a secret.
_OPTION = re.compile("[a-z_]{1,20}")


class LocationInvalid(NotReady):
    """A backend's URL that does not say where it is, or asks for something that it does not know."""

    code = "location_invalid"


def path_of(context: BackendContext) -> Path:
    """The path in a URL; a relative one starts from the context's root. Raises LocationInvalid."""
    parts = _split(context)
    if parts.netloc or not parts.path or parts.fragment:
        found = "a host" if parts.netloc else "a # after the path" if parts.path else "no path"
        raise LocationInvalid(
            f"the {parts.scheme} URL: found {found}, expected {parts.scheme}:data/name, relative to "
            f"{context.root}, or {parts.scheme}:/absolute/name"
        )
    return context.root / unquote(parts.path)


def options_of(context: BackendContext, known: Collection[str]) -> dict[str, str]:
    """What a URL says after its question mark. Raises LocationInvalid for an option that is not known."""
    parts = _split(context)
    if "@" in parts.query:
        raise LocationInvalid(
            f"the {parts.scheme} URL: found an @ after the first ?; in a password, ? is written %3F"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"it has {', '.join(known) or 'none'}"
            called = f"option {name}" if _OPTION.fullmatch(name) else "such option"
            raise LocationInvalid(f"the {parts.scheme} URL: there is no {called}; {hint}")
    return options


def _split(context: BackendContext) -> SplitResult:
    try:
        return urlsplit(context.url)
    except ValueError:
        # Its text may quote the URL.
        scheme = context.url.partition(":")[0]
        raise LocationInvalid(
            f"the {scheme} URL: cannot be read; expected ASCII, and %-escapes for what has a meaning in URLs"
        ) from None
