"""The states of a job, and why one failed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

JobState = Literal["queued", "processing", "completed", "failed", "cancelled"]

#: States that a job does not leave by itself.
FINAL: frozenset[JobState] = frozenset({"completed", "failed", "cancelled"})


class Wire(BaseModel):
    """Base of everything that crosses a process boundary as JSON: immutable, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Failure(Wire):
    """Why a job failed: a stable code for machines, a message for people."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Stable, for machines.")
    message: str = Field(description="For people.")
