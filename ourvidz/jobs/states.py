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


class Reason(Wire):
    """Why one job type did not make a job: a stable code for machines, a message for people."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Stable, for machines.")
    message: str = Field(description="For people.")


class Failure(Reason):
    """Why a job failed."""

    before: Reason | None = Field(
        default=None,
        description="Why the job type that was asked for failed, where this is said of its fallback.",
    )

    @property
    def reason(self) -> Reason:
        """Of this failure alone."""
        return Reason(code=self.code, message=self.message)
