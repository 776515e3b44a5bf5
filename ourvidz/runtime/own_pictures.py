"""A picture from this machine: looked at before anything is queued, then put where workers find it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.storage import ObjectKey, input_key
from ourvidz.plugins.init_images.decoding import decode
from ourvidz.plugins.init_images.header import read_header
from ourvidz.plugins.init_images.reading import read_file
from ourvidz.project import Project
from ourvidz.runtime.backends import open_storage
from ourvidz.runtime.buckets import check_fits
from ourvidz.runtime.making.inputs import InputRefused
from ourvidz.spec.job_type import JobType

#: What the files of each type end in.
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPicture:
    """A picture that a job type takes as its init image."""

    data: bytes
    mime: str

    @classmethod
    def read(cls, path: Path, job_type: JobType) -> OwnPicture:
        """Read a file by the rules that a worker applies, to the last pixel.

        Raises InputRefused for a job type that takes no init image, and InputInvalid.
        """
        if "init_image" not in job_type.inputs:
            raise InputRefused(f"{path}: {job_type.id} does not take an init image")
        name, rules = str(path), job_type.picture_rules
        data = read_file(path, rules, name=name)
        header = read_header(name, data, rules)
        decode(name, data, header)
        return cls(data=data, mime=header.mime)

    def place(self, project: Project, request: Envelope) -> ObjectKey:
        """Where the picture of this request belongs. Raises StorageRefused if the bucket does not take it."""
        bucket, name = project.settings.input_bucket, f"init_image.{_ENDINGS[self.mime]}"
        check_fits(project.catalog.buckets[bucket], bucket, name, self.data, mime=self.mime)
        return input_key(bucket, request.user_id, request.job_id, name)

    def put(self, project: Project, key: ObjectKey) -> None:
        """Raises StorageUnavailable, StorageRefused, BackendUnknown."""
        with closing(open_storage(project)) as storage:
            storage.put(key, self.data, content_type=self.mime)
