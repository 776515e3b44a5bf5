"""What a completed job leaves behind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from ourvidz.jobs.states import Reason, Wire
from ourvidz.spec.job_type import ContentType


class StoredFile(Wire):
    """One object in storage. ``path`` is its name inside the bucket, never with the bucket in it."""

    bucket: str = Field(description="The bucket.")
    path: str = Field(description="The name inside the bucket.")
    mime: str = Field(description="MIME type.")
    size: int = Field(ge=0, description="Bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the bytes, hexadecimal.")


class Asset(StoredFile):
    """One image or video that the user asked for, with its thumbnail."""

    type: ContentType = Field(description="What it is.")
    index: int = Field(ge=0, description="Its place in the request, from 0.")
    seed: int = Field(description="The seed that it was made from.")
    width: int = Field(gt=0, description="Pixels.")
    height: int = Field(gt=0, description="Pixels.")
    frames: int | None = Field(default=None, description="Of a video.")
    duration: float | None = Field(default=None, description="Seconds, of a video.")
    thumbnail: StoredFile | None = Field(default=None, description="A small WebP; null: none was wanted.")


class Fallback(Wire):
    """How it came that a fallback made a job."""

    because: Reason = Field(description="Why the job type that was asked for did not.")
    dropped: dict[str, JsonValue] = Field(
        description="Parameters and inputs of the request that the fallback does not take, by name."
    )


class Result(Wire):
    """Everything that is known about how a job was made."""

    job_type: str = Field(description="The requested one.")
    effective_job_type: str = Field(description="The one that made it: the requested one, or its fallback.")
    fallback: Fallback | None = Field(
        default=None, description="Where the two differ: why, and what the fallback left out."
    )
    spec_digest: str = Field(description="Of the spec that made it: the one at claim time.")
    submitted_digest: str | None = Field(description="Of the spec that it was submitted under.")
    attempt: int = Field(ge=1, description="Starts until it was done.")
    assets: tuple[Asset, ...] = Field(description="Everything that was made, in order.")
    parameters: dict[str, JsonValue] = Field(description="What was really used, profile included.")
    profile: str | None = Field(default=None, description="The reduction that it was made under, by name.")
    fingerprint: dict[str, JsonValue] = Field(description="Checkpoint, libraries, device, options.")
    reviews: dict[str, Literal["passed", "elsewhere"]] = Field(
        description="Reviewer by name, and what it said; elsewhere: not reviewed by ourvidz."
    )
    seconds: dict[str, float] = Field(description="Measured time by stage.")
    peak_memory: int | None = Field(
        default=None, description="Most bytes of GPU memory in use meanwhile, models included."
    )
