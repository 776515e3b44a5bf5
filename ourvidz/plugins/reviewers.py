"""Content safety: who looks at a request before generation, and at outputs before upload.

A reviewer returns a verdict. One that raises, takes too long or is missing counts as a refusal:
:mod:`ourvidz.runtime.making.review` runs them and fails closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ourvidz.plugins.family import Artifact
from ourvidz.spec.job_type import Input, JobType


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a reviewer says. ``category`` is stable and for machines, ``reason`` for the user."""

    allowed: bool
    category: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedRequest:
    """What a request reviewer sees."""

    job_type: JobType
    prompt: str
    negative_prompt: str | None
    inputs: Mapping[Input, Path]


class RequestReviewer(Protocol):
    """Looks at a request before the model does."""

    @property
    def name(self) -> str: ...

    def review_request(self, request: ReviewedRequest) -> Verdict: ...


class OutputReviewer(Protocol):
    """Looks at what a model made before it is stored anywhere."""

    @property
    def name(self) -> str: ...

    def review_output(self, request: ReviewedRequest, artifacts: Sequence[Artifact]) -> Verdict: ...
