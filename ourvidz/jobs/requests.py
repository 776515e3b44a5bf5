"""What users ask edge functions for, a job or its end, and what they answer. Version 1.

Bucket, queue, worker, cost and limits are not in a request: the spec alone decides them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from ourvidz.jobs.envelope import (
    MAX_IMAGES,
    MAX_SEED,
    Inputs,
    Metadata,
    NegativePrompt,
    NumImages,
    Params,
    Prompt,
    Uuid,
)
from ourvidz.jobs.states import JobState, Wire
from ourvidz.spec.identifiers import Identifier

REQUEST_VERSION: Final = 1


class JobRequest(Wire):
    """One job, as a user asks queue-job for it."""

    job_type: Identifier = Field(description="The kind of job; its spec decides everything else.")
    prompt: Prompt
    negative_prompt: NegativePrompt = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED - MAX_IMAGES + 1, strict=True)] | None = Field(
        default=None, description="Of the first image, image i has seed + i; null: any."
    )
    num_images: NumImages = 1
    params: Params = Field(default_factory=dict)
    inputs: Inputs = Field(default_factory=dict)
    metadata: Metadata = Field(default_factory=dict)
    idempotency_key: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Made by the client for each job that it wants; a request that is sent again with "
        "the same key makes no second one.",
    )


class CancelRequest(Wire):
    """A job to be cancelled, as its user asks cancel-job."""

    job_id: Uuid = Field(description="The job.")


def _without_default(schema: dict[str, Any]) -> None:
    """An absent field is absent, and not null."""
    del schema["default"]


class JobStatus(Wire):
    """What a frontend knows of one job, and queue-job answers; the plan's names."""

    job_id: str = Field(alias="jobId", description="Names the job.")
    job_type: str = Field(alias="jobType", description="The kind of job.")
    status: JobState = Field(description="Where it stands.")
    estimated_time: float = Field(
        alias="estimatedTime", ge=0, description="Seconds until it is done, waiting included."
    )
    queue_position: Annotated[int | None, WithJsonSchema({"type": "integer", "minimum": 1})] = Field(
        default=None,
        alias="queuePosition",
        description="1: next to start; absent: it does not wait.",
        json_schema_extra=_without_default,
    )
    worker_type: str = Field(alias="workerType", description="The worker that makes it.")


class CancelAnswer(Wire):
    """What cancel-job answers."""

    job_id: str = Field(alias="jobId", description="The job.")
    status: JobState = Field(
        description="cancelled: it has ended; processing: its worker stops it at the next step; any other: "
        "it had ended before."
    )


class CallbackAnswer(Wire):
    """What job-callback answers to an event whose signature is right."""

    applied: bool = Field(
        description="Whether the job's row was changed; an event that came late or twice changes nothing."
    )


class FieldProblem(Wire):
    """Why one field of a request is refused."""

    field: str = Field(description="Its path, such as `params.steps`; empty: the whole body.")
    reason: str = Field(description="What is wrong with it, and what was expected.")


class Refusal(Wire):
    """Why an edge function does not do what it is asked."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Stable, for machines.")
    message: str = Field(description="For people.")
    problems: tuple[FieldProblem, ...] = Field(default=(), description="Each field that is wrong.")


#: Everything of this module that crosses the wire by itself.
ASKED_AND_ANSWERED: tuple[type[Wire], ...] = (
    JobRequest,
    JobStatus,
    CancelRequest,
    CancelAnswer,
    CallbackAnswer,
    Refusal,
)


def request_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of version 1, by name."""
    return {model.__name__: model.model_json_schema() for model in ASKED_AND_ANSWERED}
