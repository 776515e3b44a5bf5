"""Puts what was encoded into the job type's bucket."""

from __future__ import annotations

import hashlib

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.queue import Lease
from ourvidz.jobs.results import Asset, StoredFile
from ourvidz.jobs.storage import Storage, result_key
from ourvidz.runtime.buckets import check_fits
from ourvidz.runtime.making.encoding import EncodedArtifact, EncodedFile
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import BucketEntry


class ResultStore:
    """Where one claim's results go. Its number is in every name, so that no claim meets another's."""

    def __init__(
        self, storage: Storage, bucket: BucketEntry, job_type: JobType, request: Envelope, lease: Lease
    ) -> None:
        self._storage = storage
        self._bucket = bucket
        self._job_type = job_type
        self._request = request
        self._lease = lease

    def put(self, encoded: EncodedArtifact) -> Asset:
        """Store an image or video with its thumbnail.

        Raises StorageUnavailable, and StorageRefused for what the bucket does not take.
        """
        length = encoded.length
        return Asset(
            **self._put(encoded.file).model_dump(),
            type=encoded.type,
            index=encoded.index,
            seed=encoded.seed,
            width=encoded.size.width,
            height=encoded.size.height,
            frames=None if length is None else length.frames,
            duration=None if length is None else length.seconds,
            thumbnail=None if encoded.thumbnail is None else self._put(encoded.thumbnail),
        )

    def _put(self, file: EncodedFile) -> StoredFile:
        bucket, request = self._job_type.storage_bucket, self._request
        check_fits(self._bucket, bucket, file.name, file.data, mime=file.mime)
        key = result_key(bucket, request.user_id, request.job_id, self._lease.token, file.name)
        self._storage.put(key, file.data, content_type=file.mime)
        return StoredFile(
            bucket=bucket,
            path=key.path,
            mime=file.mime,
            size=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest(),
        )
