"""``supabase:``, the storage of a Supabase project, by the service key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

import httpx
from storage3 import SyncStorageClient
from storage3.types import FileOptions

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.storage import ObjectKey, StorageRefused
from ourvidz.runtime.storage.supabase.answers import Refusal
from ourvidz.runtime.storage.supabase.connection import TIMEOUTS, Retries, asking, connect
from ourvidz.runtime.storage.supabase.listing import list_objects
from ourvidz.runtime.storage.supabase.reading import read_object, same_object
from ourvidz.runtime.storage.supabase.resumable import RESUMABLE_ABOVE, ResumableUpload
from ourvidz.runtime.supabase_access import ServiceAccess
from ourvidz.spec.catalog import Catalog


class SupabaseStorage:
    """See :class:`ourvidz.jobs.storage.Storage`.

    An upload is whole or nothing: the server makes an object of it when its last byte has come. Other
    bytes under a name that is taken are refused by the server, and of several threads of one process
    that store under one name at once, one wins. For several processes the server has no such fence: it
    tells all of them that theirs is stored, and the last one stands. No two claims of a job share a
    name (:func:`ourvidz.jobs.storage.result_key`), so workers cannot come into that.
    """

    def __init__(
        self,
        access: ServiceAccess,
        *,
        public: Collection[str] = (),
        retries: Retries = Retries(),  # noqa: B008  immutable
        timeouts: httpx.Timeout = TIMEOUTS,
    ) -> None:
        """``public`` names the buckets whose objects can be read without a signature."""
        headers = {"apikey": access.key, "authorization": f"Bearer {access.key}"}
        self._url = f"{access.url}/storage/v1"
        self._public = public
        self._retries = retries
        self._http = connect(headers, timeouts)
        self._client = SyncStorageClient(f"{self._url}/", headers, http_client=self._http)
        self._names = _Names()

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        if len(data) > RESUMABLE_ABOVE:
            endpoint = f"{self._url}/upload/resumable"
            send = ResumableUpload(self._http, endpoint, key, data, content_type).send
        else:
            send = self._sending(key, data, content_type)
        with self._names.held(key):
            self._retries.insist(lambda: self._put(key, data, send))

    def read(self, key: ObjectKey, *, limit: int | None = None) -> bytes:
        return self._retries.insist(lambda: read_object(self._http, self._address(key), key, limit))

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
        return list_objects(self._client.from_(bucket), self._retries, bucket, prefix)

    def delete(self, key: ObjectKey) -> None:
        self._retries.insist(lambda: self._delete(key))

    def locate(self, key: ObjectKey) -> str:
        return f"{self._url}/object/{'public' if key.bucket in self._public else 'authenticated'}/{key}"

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`. Nothing is stored, so no right to it is tried."""
        with asking("the buckets cannot be listed"):
            # The client library wants columns of every bucket that not every server gives.
            there = {bucket["id"] for bucket in self._http.get(f"{self._url}/bucket").json()}
        missing = [name for name in catalog.buckets if name not in there]
        if missing:
            yield Diagnosis(
                check="storage",
                health="failed",
                found=f"the project lacks the buckets {', '.join(missing)}",
                remedy="apply the migrations that `ourvidz export-migration` writes: supabase db push",
            )
        else:
            yield Diagnosis(
                check="storage", health="ok", found=f"the project has all {len(catalog.buckets)} buckets"
            )

    def close(self) -> None:
        self._http.close()

    def _address(self, key: ObjectKey) -> str:
        return f"{self._url}/object/{key}"

    def _sending(self, key: ObjectKey, data: bytes, content_type: str) -> Callable[[], bool]:
        """A function that uploads an object in one piece."""
        bucket, options = self._client.from_(key.bucket), FileOptions({"content-type": content_type})

        def send() -> bool:
            with asking(f"{key}: cannot be stored", "exists"):
                bucket.upload(key.path, data, options)
            return True

        return send

    def _put(self, key: ObjectKey, data: bytes, send: Callable[[], bool]) -> None:
        with suppress(Refusal):
            # It would say that the name is taken, perhaps by an upload whose success was not heard of.
            if send():
                return
        if not same_object(self._http, self._address(key), key, data):
            raise StorageRefused(f"{key}: another object has this name; a stored object is never changed")

    def _delete(self, key: ObjectKey) -> None:
        with suppress(Refusal), asking(f"{key}: cannot be deleted", "missing", "no_bucket"):
            self._client.from_(key.bucket).remove([key.path])


class _Names:
    """Lets one thread at a time store under a name."""

    def __init__(self) -> None:
        self._held: set[ObjectKey] = set()
        self._changed = threading.Condition()

    @contextmanager
    def held(self, key: ObjectKey) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: key not in self._held)
            self._held.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._held.discard(key)
                self._changed.notify_all()
