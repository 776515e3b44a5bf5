"""What a completed job leaves behind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from ourvidz.jobs.states import Wire
from ourvidz.spec.job_type import ContentType


class StoredFile(Wire):
    """One object in storage. ``path`` is its name inside the bucket, never with the bucket in it."""

    bucket: str
    path: str
    mime: str
    size: int = Field(ge=0, description="Bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Asset(StoredFile):
    """One image or video that the user asked for, with its thumbnail."""

    type: ContentType
    index: int = Field(ge=0)
    seed: int
    width: int = Field(gt=0, description="Pixels.")
    height: int = Field(gt=0, description="Pixels.")
    frames: int | None = None
    duration: float | None = Field(default=None, description="Seconds.")
    thumbnail: StoredFile | None = None


class Result(Wire):
    """Everything that is known about how a job was made."""

    job_type: str
    effective_job_type: str
    spec_digest: str = Field(description="Of the spec that made it: the one at claim time.")
    submitted_digest: str | None = Field(description="Of the spec that it was submitted under.")
    attempt: int = Field(ge=1)
    assets: tuple[Asset, ...]
    parameters: dict[str, JsonValue] = Field(description="What was really used, profile included.")
    fingerprint: dict[str, JsonValue] = Field(description="Checkpoint, libraries, device, options.")
    reviews: dict[str, Literal["passed", "elsewhere"]] = Field(
        description="Reviewer by name, and what it said; elsewhere: not reviewed by ourvidz."
    )
    seconds: dict[str, float] = Field(description="Measured time by stage.")
