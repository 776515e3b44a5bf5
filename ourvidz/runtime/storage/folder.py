"""The embedded storage: ``file:data/storage``, a folder with one folder per bucket."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path

from ourvidz.jobs.diagnosis import Diagnosis, of_folder
from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, StorageRefused, StorageUnavailable
from ourvidz.spec.catalog import Catalog
from ourvidz.whole_files import make_folder, sweep, write_new


class FolderStorage:
    """See :class:`ourvidz.jobs.storage.Storage`.

    Files get the permissions that the user's umask gives. A symbolic link inside the folder is
    never followed: what it leads to is not in the bucket.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._drafts = self._folder / ".drafts"
        sweep(self._drafts)

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        """Store an object. A file has no content type, so its name's ending has to say the same."""
        named, _ = mimetypes.guess_type(key.path, strict=False)
        if named not in (None, content_type):
            raise StorageRefused(f"{key}: found {content_type}, expected {named}, as the name's ending says")
        try:
            path = self._path(key)
            make_folder(path.parent)
            write_new(path, data, drafts=self._drafts)
        except FileExistsError:
            self._compare(key, data)
        except NotADirectoryError:
            raise StorageRefused(f"{key}: a part of this name is an object already") from None
        except OSError as error:
            raise _unavailable(key, "stored", error) from error

    def read(self, key: ObjectKey, *, limit: int | None = None) -> bytes:
        try:
            with open(self._path(key), "rb", opener=_without_following) as file:
                return file.read(limit)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectNotFound(f"{key}: there is no such object in {self._folder}") from None
        except OSError as error:
            raise _unavailable(key, "read", error) from error

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
        try:
            names = sorted(_names(self._folder / bucket, ""))
        except OSError as error:
            raise StorageUnavailable(f"{bucket}: cannot be listed: {error.strerror}") from error
        return (key for name in names if name.startswith(prefix) for key in _key(bucket, name))

    def delete(self, key: ObjectKey) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError):
            return
        except OSError as error:
            raise _unavailable(key, "deleted", error) from error

    def locate(self, key: ObjectKey) -> str:
        return str(self._path(key))

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`."""
        yield of_folder("storage", self._folder)

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: ObjectKey) -> Path:
        """Where an object lies. Raises StorageRefused if a link on the way leads elsewhere."""
        path = self._folder
        for part in (key.bucket, *key.path.split("/")):
            path = path / part
            if path.is_symlink():
                raise StorageRefused(f"{key}: {path} is a symbolic link, which a bucket must not hold")
        return path

    def _compare(self, key: ObjectKey, data: bytes) -> None:
        try:
            same = self.read(key, limit=len(data) + 1) == data
        except ObjectNotFound:
            raise StorageRefused(f"{key}: this name is that of a folder, or a part of it an object") from None
        if not same:
            raise StorageRefused(f"{key}: another object has this name; a stored object is never changed")


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _names(folder: Path, prefix: str) -> Iterator[str]:
    """Names of the plain files below a folder; nothing hidden, no links."""
    if folder.is_symlink() or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _names(folder / entry.name, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name


def _key(bucket: str, name: str) -> Iterator[ObjectKey]:
    """The key of a file, unless somebody put one there whose name no object can have."""
    try:
        yield ObjectKey(bucket, name)
    except ValueError:
        return


def _unavailable(key: ObjectKey, done: str, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"{key}: cannot be {done}: {error.strerror}")
