"""A model family that makes no effort: one small picture for every job."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PIL import Image
from pydantic import Field, JsonValue

from ourvidz.plugins.family import (
    GenerationParameters,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    Output,
)
from ourvidz.plugins.spec_checks import check_parameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Profile

from .steps import reach


class BlankParameters(GenerationParameters):
    step_time: float = Field(default=0.0, ge=0.0)
    """Seconds that each step takes."""


class BlankModel:
    def __init__(self) -> None:
        self.fingerprint: dict[str, JsonValue] = {"painter": "blank"}

    def generate(self, request: GenerationRequest[BlankParameters], context: JobContext) -> Output:
        chosen = request.parameters
        job_id = chosen.prompt
        for step in range(1, chosen.steps + 1):
            time.sleep(chosen.step_time)
            context.step("paint", step, chosen.steps)
            reach("generating", job_id)
        size = chosen.resolution
        # Noise fills a disk, since it cannot be packed.
        picture = Image.effect_noise((size.width, size.height), 64).convert("RGB")
        artifacts = [
            ImageArtifact(index=index, seed=seed, image=picture) for index, seed in enumerate(request.seeds)
        ]
        return Output(artifacts=artifacts, effective=chosen.model_dump(mode="json"))

    def unload(self) -> None:
        """There is nothing to give back."""


class BlankFamily:
    """Every request's prompt is its job's id, which no model is told otherwise."""

    name = "blank"
    description = "Small pictures without effort"
    default_model = ModelEntry(family="blank", location="none")
    parameters = BlankParameters
    requirements = ()

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        yield from check_parameters(job_type, BlankParameters)

    def reduce(self, parameters: BlankParameters, profile: Profile) -> BlankParameters:
        return parameters

    def load(self, context: LoadContext) -> BlankModel:
        return BlankModel()
