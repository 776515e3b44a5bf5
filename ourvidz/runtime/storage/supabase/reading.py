"""Reads an object piece by piece, so that no more of it is fetched than is wanted."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, StorageUnavailable
from ourvidz.runtime.storage.supabase.answers import Refusal
from ourvidz.runtime.storage.supabase.connection import asking


def read_object(http: httpx.Client, address: str, key: ObjectKey, limit: int | None) -> bytes:
    """The object at ``address``, or its first ``limit`` bytes.

    Raises ObjectNotFound, StorageUnavailable, StorageRefused.
    """
    data = bytearray()
    for piece in _pieces(http, address, key, limit):
        data += piece
        if limit is not None and len(data) >= limit:
            del data[limit:]
            break
    return bytes(data)


def same_object(http: httpx.Client, address: str, key: ObjectKey, data: bytes) -> bool:
    """Whether the object has exactly these bytes; reading ends at the first that differs.

    Raises StorageUnavailable also if the object has gone meanwhile: to store it may work now.
    """
    wanted, at = memoryview(data), 0
    try:
        for piece in _pieces(http, address, key, len(data) + 1):
            if wanted[at : at + len(piece)] != piece:
                return False
            at += len(piece)
    except ObjectNotFound:
        raise StorageUnavailable(f"{key}: was there, and is not any more") from None
    return at == len(data)


def _pieces(http: httpx.Client, address: str, key: ObjectKey, limit: int | None) -> Iterator[bytes]:
    headers = {"accept-encoding": "identity"}
    if limit:
        headers["range"] = f"bytes=0-{limit - 1}"
    try:
        with (
            asking(f"{key}: cannot be read", "missing", "no_bucket", "no_bytes"),
            http.stream("GET", address, headers=headers) as response,
        ):
            # A server may send the whole object in place of the range; whoever has enough stops here.
            yield from response.iter_bytes()
    except Refusal as refusal:
        if refusal.meaning == "no_bytes":
            # The object is empty: no range of it exists.
            return
        raise ObjectNotFound(f"{key}: there is no such object") from None
