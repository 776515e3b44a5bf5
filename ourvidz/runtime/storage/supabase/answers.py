"""What the storage server's refusals mean. Its HTTP status does not say: most of them come as 400.

The body does: ``{"statusCode": "409", "code": "KeyAlreadyExists", "error": …, "message": …}``. The code
decides, where it is known; then the body's status; then that of HTTP, for what a proxy answers. Codes
and what they stand for: the storage server's own list of errors, v1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import httpx

from ourvidz.runtime.foreign_words import quoted

#: ``again``: the same call may work later. ``refused``: it never will.
Meaning = Literal["again", "exists", "missing", "no_bucket", "no_bytes", "refused"]

MEANINGS: Final[Mapping[str, Meaning]] = {
    "Aborted": "again",
    "AbortedTerminate": "again",
    "DatabaseConnectionLimit": "again",
    "DatabaseError": "again",
    "DatabaseReadOnly": "again",
    "DatabaseTimeout": "again",
    "InternalError": "again",
    "LockTimeout": "again",
    "ResourceLocked": "again",
    "SlowDown": "again",
    # Comes with 409, as an object does that exists.
    "TransactionError": "again",
    "Duplicate": "exists",
    "KeyAlreadyExists": "exists",
    "ResourceAlreadyExists": "exists",
    "NoSuchKey": "missing",
    "NoSuchUpload": "missing",
    "not_found": "missing",
    "Bucket not found": "no_bucket",
    "NoSuchBucket": "no_bucket",
    "InvalidRange": "no_bytes",
    "AccessDenied": "refused",
    "EntityTooLarge": "refused",
    "ExpiredToken": "refused",
    # These two come with 409 as well.
    "FeatureNotEnabled": "refused",
    "NotSupported": "refused",
    "InvalidJWT": "refused",
    "InvalidKey": "refused",
    "InvalidMimeType": "refused",
    "InvalidRequest": "refused",
    "InvalidSignature": "refused",
    "InvalidUploadSignature": "refused",
    "SignatureDoesNotMatch": "refused",
    "TenantNotFound": "refused",
    "Unauthorized": "refused",
    "invalid_mime_type": "refused",
    # Those of a signing endpoint; see ourvidz.jobs.signing.
    "lease_lost": "refused",
    "object_exists": "exists",
    "object_not_found": "missing",
    "storage_refused": "refused",
    "storage_unavailable": "again",
}

#: For a code that is not known. Every status from 500 on means ``again``, any other ``refused``.
STATUSES: Final[Mapping[int, Meaning]] = {
    404: "missing",
    408: "again",
    409: "exists",
    410: "missing",
    416: "no_bytes",
    423: "again",
    425: "again",
    429: "again",
}

#: Characters of a server's message that are repeated.
_QUOTED = 200

#: Bytes of a refusal that are read; more is no refusal of the storage server's.
_LONGEST = 64 * 1024


class Refusal(Exception):
    """An answer other than success, understood. It does not leave this package."""

    def __init__(self, meaning: Meaning, text: str) -> None:
        super().__init__(text)
        self.meaning = meaning


def raise_refusals(response: httpx.Response) -> None:
    """Raise Refusal for any answer but success; httpx calls it before anybody reads the answer."""
    if response.is_success:
        return
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _LONGEST:
            break
    meaning, text = understand(response.status_code, body[:_LONGEST], _secrets(response.request))
    raise Refusal(meaning, text)


def _secrets(request: httpx.Request) -> list[str]:
    """What a server must not be quoted with: the key or token, and what signs an address."""
    headers = [request.headers.get(name, "").removeprefix("Bearer ") for name in ("apikey", "authorization")]
    return [*headers, request.url.query.decode(), *request.url.params.values()]


def understand(status: int, body: bytes, secrets: Iterable[str] = ()) -> tuple[Meaning, str]:
    """What an answer means, and what it says for people, without anything that may be secret.

    ``secrets``: what the request held.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    fields = document if isinstance(document, dict) else {}
    named = (fields.get(name) for name in ("code", "error"))
    code = next((one for one in named if isinstance(one, str) and one in MEANINGS), None)
    inner = str(fields.get("statusCode", ""))
    told = int(inner) if len(inner) == 3 and inner.isdecimal() else status
    meaning = MEANINGS[code] if code else STATUSES.get(told, "again" if told >= 500 else "refused")
    said = fields.get("message")
    if told in (401, 403):
        # What is said of a key may repeat it.
        text = f"{told} {code or 'no access'}: the key or the signature does not allow it"
    elif isinstance(said, str):
        text = f"{told} {quoted(said, secrets, longest=_QUOTED)!a}"
    else:
        text = f"{told}"
    return meaning, text
