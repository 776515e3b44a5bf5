"""Encodes what a model made and puts it into the job type's bucket."""

from __future__ import annotations

import hashlib

from pydantic import JsonValue

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.queue import Lease
from ourvidz.jobs.results import Asset, StoredFile
from ourvidz.jobs.storage import Storage, StorageRefused, result_key
from ourvidz.plugins.family import Artifact, ImageArtifact, Output, OutputInvalid
from ourvidz.runtime.making.outputs import encode_png, encode_thumbnail
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

    def put_output(self, output: Output) -> tuple[Asset, ...]:
        """Store every picture with its thumbnail.

        Raises StorageUnavailable, and StorageRefused for what the bucket does not take.
        """
        return tuple(self._put_artifact(artifact, output) for artifact in output.artifacts)

    def _put_artifact(self, artifact: Artifact, output: Output) -> Asset:
        if isinstance(artifact, ImageArtifact):
            return self._put_image(artifact, output)
        raise OutputInvalid(f"artifact {artifact.index} is a video, expected an image")

    def _put_image(self, artifact: ImageArtifact, output: Output) -> Asset:
        picture = encode_png(artifact.image, self._parameters(artifact, output))
        stored = self._put(f"{artifact.index}.png", picture, "image/png")
        thumbnail = None
        if self._job_type.thumbnail:
            small = encode_thumbnail(artifact.image, self._job_type.thumbnail)
            thumbnail = self._put(f"{artifact.index}.thumb.webp", small, "image/webp")
        return Asset(
            **stored.model_dump(),
            type="image",
            index=artifact.index,
            seed=artifact.seed,
            width=artifact.image.width,
            height=artifact.image.height,
            thumbnail=thumbnail,
        )

    def _parameters(self, artifact: ImageArtifact, output: Output) -> dict[str, JsonValue]:
        """What the picture itself says about how it was made."""
        return {
            **output.effective,
            "job_type": self._job_type.id,
            "spec_digest": self._job_type.digest,
            "prompt": self._request.prompt,
            "seed": artifact.seed,
        }

    def _put(self, name: str, data: bytes, mime: str) -> StoredFile:
        bucket = self._job_type.storage_bucket
        if mime not in self._bucket.file_types:
            raise StorageRefused(
                f"the bucket {bucket} takes {', '.join(self._bucket.file_types)}, not {mime}"
            )
        if self._bucket.max_size is not None and len(data) > self._bucket.max_size:
            raise StorageRefused(
                f"{name} has {len(data)} bytes, and the bucket {bucket} takes {self._bucket.max_size}"
            )
        request = self._request
        key = result_key(bucket, request.user_id, request.job_id, self._lease.token, name)
        self._storage.put(key, data, content_type=mime)
        return StoredFile(
            bucket=bucket,
            path=key.path,
            mime=mime,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
