"""``supabase-signed:https://…``: a machine that holds no key asks for a signed URL, object by object."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import httpx
from pydantic import ValidationError

from ourvidz.jobs.signing import DownloadRequest, SignedUrl, UploadRequest
from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, ResultName, StorageRefused, StorageUnavailable
from ourvidz.runtime.callback.signing import (
    HOW_TO_MAKE_ONE,
    KEYS_VARIABLE,
    CallbackSecretInvalid,
    Key,
    read_keys,
    signatures,
)
from ourvidz.runtime.storage.supabase.answers import Refusal
from ourvidz.runtime.storage.supabase.connection import TIMEOUTS, Retries, asking, connect
from ourvidz.runtime.storage.supabase.reading import read_object, same_object
from ourvidz.runtime.supabase_access import check_address, is_safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The endpoint that gives signed URLs, and the keys of callbacks, which prove a worker."""

    url: str
    keys: tuple[Key, ...]

    @classmethod
    def read(cls, url: str, environment: Mapping[str, str]) -> Signer:
        """Take the address from a storage URL and the keys from the environment.

        Raises SupabaseNotConfigured, CallbackSecretInvalid.
        """
        address = check_address("the supabase-signed URL", url)
        keys = read_keys(environment)
        if not keys:
            raise CallbackSecretInvalid(
                f"{KEYS_VARIABLE}: found nothing, expected id:secret, since requests for signed URLs are "
                f"signed like callbacks; {HOW_TO_MAKE_ONE}"
            )
        return cls(url=address, keys=keys)


class SignedStorage:
    """See :class:`ourvidz.jobs.storage.Storage`, and :mod:`ourvidz.jobs.signing` for what is asked.

    It stores results of claims and reads objects, which is what a worker does. To store anything else,
    to list and to delete takes the service key: StorageRefused. The endpoint is asked anew for every
    try, so that a claim which has lost its lease meanwhile stores nothing more.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        retries: Retries = Retries(),  # noqa: B008  immutable
        timeouts: httpx.Timeout = TIMEOUTS,
    ) -> None:
        self._signer = signer
        self._retries = retries
        self._http = connect({}, timeouts)

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        name = ResultName.of(key)
        if name is None:
            _needs_key(f"{key}: no result of a claim, so it cannot be stored by a signed URL")
        request = UploadRequest(
            job_id=name.job_id,
            token=name.claim,
            key=str(key),
            content_type=content_type,
            size=len(data),
        )
        self._retries.insist(lambda: self._put(key, data, request))

    def read(self, key: ObjectKey, *, limit: int | None = None) -> bytes:
        return self._retries.insist(lambda: read_object(self._http, self._readable(key), key, limit))

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
        _needs_key(f"{bucket}: cannot be listed by signed URLs")

    def delete(self, key: ObjectKey) -> None:
        _needs_key(f"{key}: cannot be deleted by a signed URL")

    def locate(self, key: ObjectKey) -> str:
        return str(key)

    def close(self) -> None:
        self._http.close()

    def _put(self, key: ObjectKey, data: bytes, request: UploadRequest) -> None:
        what = f"{key}: cannot be stored"
        try:
            with asking(what, "exists"):
                url = self._signed(request, what)
                headers = {"content-type": request.content_type, "x-upsert": "false"}
                self._http.put(url, content=data, headers=headers)
        except Refusal:
            # The name is taken, perhaps by an upload of ours whose success was not heard of.
            if not same_object(self._http, self._readable(key), key, data):
                raise StorageRefused(
                    f"{key}: another object has this name; a stored object is never changed"
                ) from None

    def _readable(self, key: ObjectKey) -> str:
        what = f"{key}: cannot be read"
        try:
            with asking(what, "missing", "no_bucket"):
                return self._signed(DownloadRequest(key=str(key)), what)
        except Refusal:
            raise ObjectNotFound(f"{key}: there is no such object") from None

    def _signed(self, request: UploadRequest | DownloadRequest, what: str) -> str:
        body = request.model_dump_json().encode()
        # Signed anew at every try, since the endpoint refuses what was signed long ago.
        proof = signatures(self._signer.keys, int(time.time()), body)
        answer = self._http.post(
            self._signer.url, content=body, headers={"content-type": "application/json", **proof}
        )
        try:
            url = SignedUrl.model_validate_json(answer.content).url
        except ValidationError:
            raise StorageUnavailable(f"{what}: the signing endpoint answered what is no signed URL") from None
        if not is_safe(url):
            raise StorageRefused(f"{what}: the signing endpoint gave a URL that is not https")
        return url


def _needs_key(why: str) -> NoReturn:
    raise StorageRefused(f"{why}; where the service key may be, use the storage supabase:")
