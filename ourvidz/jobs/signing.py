"""How a machine that holds no key to the storage gets at one object: it asks for a signed URL. Version 1.

The worker POSTs a request as JSON to the signing endpoint, over HTTPS, signed like a callback: see
:mod:`ourvidz.jobs.callback`. The endpoint holds the key to the storage. It answers 200 with a
:class:`SignedUrl`, and otherwise with a :class:`ourvidz.jobs.states.Failure` whose code decides, whatever the
status:

- ``lease_lost``: the claim is not the job's newest, or the job has ended. Nothing may be stored.
- ``storage_refused``: this worker may not have this object.
- ``object_exists``, ``object_not_found``: what they say.
- ``storage_unavailable``: later, perhaps.

The endpoint, not the worker, decides what a claim may store: objects in the bucket of the job's type,
named as :func:`ourvidz.jobs.storage.result_key` names them for the job's user and this claim.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from ourvidz.jobs.envelope import Uuid, Version1
from ourvidz.jobs.states import Wire
from ourvidz.jobs.storage import KeyText

SIGNING_VERSION: Final = 1


class UploadRequest(Wire):
    """A claim asks for a URL to PUT one object to. It takes one object, once."""

    version: Version1 = Field(default=SIGNING_VERSION, description="Of this shape.")
    operation: Literal["upload"] = Field(default="upload", description="What the URL is for.")
    job_id: Uuid = Field(description="The job that the object is a result of.")
    token: int = Field(ge=1, strict=True, description="The claim's fencing token; only the newest counts.")
    key: KeyText = Field(description="Where the object is to lie, `bucket/path`.")
    content_type: str = Field(max_length=100, description="MIME type of the bytes, which the worker checked.")
    size: int = Field(ge=0, strict=True, description="Bytes.")


class DownloadRequest(Wire):
    """A worker asks for a URL to GET one object from, such as a user's init image."""

    version: Version1 = Field(default=SIGNING_VERSION, description="Of this shape.")
    operation: Literal["download"] = Field(default="download", description="What the URL is for.")
    key: KeyText = Field(description="Where the object lies, `bucket/path`.")


class SignedUrl(Wire):
    """The answer: whoever has the URL may do this one thing, for some minutes."""

    version: Version1 = Field(default=SIGNING_VERSION, description="Of this shape.")
    url: str = Field(max_length=8192, repr=False, description="https, and a secret while it is valid.")


SigningRequest = Annotated[UploadRequest | DownloadRequest, Field(discriminator="operation")]

_REQUEST: TypeAdapter[UploadRequest | DownloadRequest] = TypeAdapter(SigningRequest)


def read_signing_request(body: bytes) -> UploadRequest | DownloadRequest:
    """Read what a worker asks, as an endpoint does. Raises pydantic's ValidationError."""
    return _REQUEST.validate_json(body)


def signing_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of version 1, by name."""
    return {
        "UploadRequest": UploadRequest.model_json_schema(),
        "DownloadRequest": DownloadRequest.model_json_schema(),
        "SignedUrl": SignedUrl.model_json_schema(),
    }
