"""A model family without a model: paints a placeholder for every prompt, in milliseconds, on any machine.

With it a frontend can be built, and a queue tested under load, before there is a GPU. The tutorial
(docs/tutorial.md) walks through this file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version

from pydantic import Field, JsonValue, field_validator

from ourvidz.plugins.family import (
    GenerationParameters,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    ModelInvalid,
    Output,
)
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.spec_checks import check_parameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Profile
from ourvidz.spec.units import Resolution

#: Pixels a side; a wall of them would only be slow.
MAX_SIDE = 4096


class PlaceholderParameters(GenerationParameters):
    """What every model is told: the higher the guidance, the stronger the colours; and one thing more."""

    step_time: float = Field(default=0.0, ge=0.0, le=60.0)
    """Seconds that each step takes, so that a job can be as slow as a real one."""

    @field_validator("resolution")
    @classmethod
    def _is_sane(cls, size: Resolution) -> Resolution:
        if max(size.width, size.height) > MAX_SIDE:
            raise ValueError(f"expected at most {MAX_SIDE} pixels a side")
        return size


class PlaceholderModel:
    """What other families load from a checkpoint."""

    def __init__(self) -> None:
        self.fingerprint: dict[str, JsonValue] = {"painter": "placeholder 1", "pillow": version("pillow")}

    def generate(self, request: GenerationRequest[PlaceholderParameters], context: JobContext) -> Output:
        from .painting import paint

        chosen = request.parameters
        for step in range(1, chosen.steps + 1):
            if chosen.step_time:
                time.sleep(chosen.step_time)
            context.step("paint", step, chosen.steps)
        artifacts = [
            ImageArtifact(
                index=index,
                seed=seed,
                image=paint(
                    chosen.resolution,
                    prompt=chosen.prompt,
                    without=chosen.negative_prompt or "",
                    seed=seed,
                    steps=chosen.steps,
                    guidance=chosen.guidance,
                    title=request.job_type.id,
                ),
            )
            for index, seed in enumerate(request.seeds)
        ]
        return Output(artifacts=artifacts, effective=chosen.model_dump(mode="json"))

    def unload(self) -> None:
        """There is nothing to give back."""


class PlaceholderFamily:
    """Placeholders, painted with Pillow."""

    name = "placeholder"
    description = "Placeholder pictures without a GPU, for frontends and load tests"
    default_model = ModelEntry(family="placeholder", location="none")
    parameters = PlaceholderParameters
    requirements = ("pillow>=10.3",)

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        yield from check_parameters(job_type, PlaceholderParameters)
        if model.location != self.default_model.location or model.precision is not None:
            yield Finding(("model",), "model_unsupported", model.location, "none, there is nothing to load")
        if job_type.content_type != "image":
            yield Finding(("content_type",), "content_unsupported", job_type.content_type, "image")
        for name in (*job_type.required_inputs, *job_type.accepts):
            yield Finding(("accepts",), "input_unsupported", name, "none, since a placeholder shows none")

    def reduce(self, parameters: PlaceholderParameters, profile: Profile) -> PlaceholderParameters:
        size = parameters.resolution
        smaller = Resolution(
            max(1, round(size.width * profile.scale)), max(1, round(size.height * profile.scale))
        )
        steps = max(1, round(parameters.steps * profile.steps))
        return parameters.model_copy(update={"resolution": smaller, "steps": steps})

    def load(self, context: LoadContext) -> PlaceholderModel:
        if context.device not in (None, "cpu"):
            raise ModelInvalid(f"placeholder paints on the CPU, found device {context.device!r}")
        return PlaceholderModel()


@hookimpl
def ourvidz_model_families() -> list[PlaceholderFamily]:
    return [PlaceholderFamily()]
