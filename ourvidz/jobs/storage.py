"""The storage protocol: where results are kept and inputs are read from. Version 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, WithJsonSchema

from ourvidz.errors import NotFound, OurvidzError
from ourvidz.spec.identifiers import check_identifier

STORAGE_PROTOCOL_VERSION = 1

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RESULT = re.compile(rf"(?P<user>{_UUID})/(?P<job>{_UUID})/(?P<claim>[1-9][0-9]{{0,17}})-[0-9]+\.[a-z0-9.]+")
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class StorageUnavailable(OurvidzError):
    """Storage cannot be reached or has no room; the same call may work later."""

    code = "storage_unavailable"
    retryable = True


class StorageRefused(OurvidzError):
    """Storage will not take this object, however often it is tried."""

    code = "storage_refused"


class ObjectNotFound(NotFound):
    """There is no such object."""

    code = "object_not_found"


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """An object's place: the bucket, and the name inside it.

    Raises ValueError for anything that could leave the bucket or be read differently elsewhere:
    ASCII segments of letters, digits, ``.``, ``_`` and ``-``, none of them hidden.
    """

    bucket: str
    path: str

    def __post_init__(self) -> None:
        check_identifier(self.bucket)
        segments = self.path.split("/")
        if len(self.path) > 1024 or not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise ValueError(f"not an object's name: {self.path!r}")

    def __str__(self) -> str:
        return f"{self.bucket}/{self.path}"

    @classmethod
    def parse(cls, text: str) -> ObjectKey:
        """Read what ``str`` writes: ``bucket/path``. Raises ValueError."""
        bucket, _, path = text.partition("/")
        return cls(bucket, path)


def _key_text(text: str) -> str:
    return str(ObjectKey.parse(text))


#: JSON Schema of an object's place as text.
KEY_SCHEMA: Final = {
    "type": "string",
    "pattern": "^[a-z][a-z0-9_]{0,62}(?=/.{1,1024}$)(/[A-Za-z0-9][A-Za-z0-9._-]{0,127})+$",
    "maxLength": 1088,
}

#: An object's place as JSON has it: ``bucket/path``.
KeyText = Annotated[str, AfterValidator(_key_text), WithJsonSchema({**KEY_SCHEMA})]


def result_key(bucket: str, user_id: str, job_id: str, claim: int, name: str) -> ObjectKey:
    """The place of one result: ``{user_id}/{job_id}/{claim}-{name}``.

    The owner's id comes first because storage policies compare it with the caller. ``claim`` is the
    number of the claim, its lease's token: no two claims of a job share it, so that neither a worker
    whose lease was lost nor an earlier run ever meets the winner's object.
    """
    return ObjectKey(bucket, f"{user_id}/{job_id}/{claim}-{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultName:
    """Whose result an object is, as its name says."""

    user_id: str
    job_id: str
    claim: int

    @classmethod
    def of(cls, key: ObjectKey) -> ResultName | None:
        """Read what :func:`result_key` writes; None for an object that no claim has put there."""
        match = _RESULT.fullmatch(key.path)
        if match is None:
            return None
        return cls(user_id=match["user"], job_id=match["job"], claim=int(match["claim"]))


def input_key(bucket: str, user_id: str, job_id: str, name: str) -> ObjectKey:
    """The place of what a request brings along: ``{user_id}/{job_id}/{name}``, below its owner's id."""
    return ObjectKey(bucket, f"{user_id}/{job_id}/{name}")


class Storage(Protocol):
    """Where objects live. Safe to use from several threads and processes."""

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        """Store an object whole or not at all; the same bytes again are no error.

        Raises StorageUnavailable, and StorageRefused if other bytes already have this name.
        """
        ...

    def read(self, key: ObjectKey, *, limit: int | None = None) -> bytes:
        """The whole object, or its first ``limit`` bytes; no more is fetched or held in memory.

        Raises ObjectNotFound, StorageUnavailable.
        """
        ...

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
        """Objects whose name begins with ``prefix``, in order of their names."""
        ...

    def delete(self, key: ObjectKey) -> None:
        """Remove an object; one that is not there is no error. Raises StorageUnavailable."""
        ...

    def locate(self, key: ObjectKey) -> str:
        """Where a person with access finds the object: a path or a URL."""
        ...

    def close(self) -> None: ...
