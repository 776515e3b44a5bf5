"""Uploads in pieces that can be taken up again where they broke off: TUS 1.0.0, as Supabase speaks it.

https://tus.io/protocols/resumable-upload, and Supabase's additions: pieces of exactly 6 MiB but for the
last, and the object's place in ``Upload-Metadata``.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from ourvidz.jobs.storage import ObjectKey, StorageRefused, StorageUnavailable
from ourvidz.runtime.storage.supabase.answers import Refusal
from ourvidz.runtime.storage.supabase.connection import asking

#: Bytes; larger objects are uploaded in pieces, as Supabase advises.
RESUMABLE_ABOVE: Final = 6 * 1000 * 1000

#: Bytes of a piece; Supabase takes no other size.
PIECE: Final = 6 * 1024 * 1024

_PROTOCOL: Final = {"tus-resumable": "1.0.0"}


class ResumableUpload:
    """The upload of one object. It remembers how far it came, from one try to the next."""

    def __init__(
        self, http: httpx.Client, endpoint: str, key: ObjectKey, data: bytes, content_type: str
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._data = data
        self._what = f"{key}: cannot be stored"
        self._metadata = {
            "bucketName": key.bucket,
            "objectName": key.path,
            "contentType": content_type,
            "cacheControl": "3600",
        }
        self._address: str | None = None

    def send(self) -> bool:
        """Send all that the server does not have yet; after an error, call it again.

        Returns whether the server said that it has stored the object. If not, it had all bytes before
        this call and somebody has to look whether it made an object of them. Raises
        StorageUnavailable, StorageRefused, and Refusal if the object exists.
        """
        if self._address is None:
            self._address, offset = self._begin(), 0
        else:
            offset = self._offset(self._address)
        stored = False
        while offset < len(self._data):
            offset = self._send_piece(self._address, offset)
            stored = True
        return stored

    def _begin(self) -> str:
        headers = {
            **_PROTOCOL,
            "upload-length": str(len(self._data)),
            "upload-metadata": ",".join(
                f"{name} {base64.b64encode(value.encode()).decode()}"
                for name, value in self._metadata.items()
            ),
            "x-upsert": "false",
        }
        with asking(self._what, "exists"):
            location = self._http.post(self._endpoint, headers=headers).headers.get("location")
        if not location:
            raise StorageUnavailable(f"{self._what}: storage began an upload and did not say where")
        # The key travels with every request: whatever host stands there, we stay at our own.
        named = urlsplit(urljoin(self._endpoint, location))
        return urlsplit(self._endpoint)._replace(path=named.path, query=named.query).geturl()

    def _offset(self, address: str) -> int:
        try:
            with asking(self._what):
                return self._number(self._http.head(address, headers=_PROTOCOL))
        except StorageRefused:
            # Finished, too old, or not allowed any more: the answer to a HEAD has no body with the code
            # in it. To begin anew tells.
            raise self._forgotten() from None

    def _send_piece(self, address: str, offset: int) -> int:
        headers = {
            **_PROTOCOL,
            "upload-offset": str(offset),
            "content-type": "application/offset+octet-stream",
        }
        piece = self._data[offset : offset + PIECE]
        try:
            with asking(self._what, "missing"):
                reached = self._number(self._http.patch(address, headers=headers, content=piece))
        except Refusal:
            raise self._forgotten() from None
        if reached <= offset:
            raise StorageUnavailable(f"{self._what}: storage took nothing of what was sent")
        return reached

    def _forgotten(self) -> StorageUnavailable:
        self._address = None
        return StorageUnavailable(f"{self._what}: storage does not know the upload any more")

    def _number(self, answer: httpx.Response) -> int:
        """The server's ``Upload-Offset``: how many bytes of the object it has."""
        text = answer.headers.get("upload-offset", "")
        if not text.isdecimal() or int(text) > len(self._data):
            raise StorageUnavailable(f"{self._what}: storage did not say how much it has")
        return int(text)
