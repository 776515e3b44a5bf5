"""How a request names what it brings along: by its place in storage, or by a URL where that is allowed."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from ourvidz.jobs.storage import KEY_SCHEMA, ObjectKey

#: https, a host and perhaps a port, without a user name, then printable ASCII without a fragment.
_URL: Final = r'https://[A-Za-z0-9.:\[\]-]{1,253}([/?][!-"$-~]{0,2000})?'
_URL_PATTERN: Final = re.compile(_URL)


def is_url(place: str) -> bool:
    """Whether an input is named by a URL. Such a URL may be signed, so it is kept out of messages."""
    return place.startswith("https://")


def _place(text: str) -> str:
    if not is_url(text):
        return str(ObjectKey.parse(text))
    if not _URL_PATTERN.fullmatch(text):
        raise ValueError("not a URL that inputs are read from")
    return text


#: ``bucket/path``, or ``https://…``.
InputPlace = Annotated[
    str,
    AfterValidator(_place),
    WithJsonSchema({"anyOf": [KEY_SCHEMA, {"type": "string", "pattern": f"^{_URL}$"}]}),
]
