"""A model family without a model: a placeholder for every prompt, in milliseconds, on any machine.

With it a frontend can be built, and a queue tested under load, before there is a GPU. The tutorial
(docs/tutorial.md) walks through this file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from ourvidz.plugins.family import (
    Artifact,
    GenerationParameters,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    ModelInvalid,
    Output,
    VideoArtifact,
    VideoLength,
)
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.spec_checks import check_parameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Profile
from ourvidz.spec.units import Resolution

#: Pixels a side; a wall of them would only be slow.
MAX_SIDE = 4096

#: Below, nothing moves.
MIN_FRAMES = 2


class PlaceholderParameters(GenerationParameters):
    """What every model is told (the higher the guidance, the stronger the colours), and a little more."""

    step_time: float = Field(default=0.0, ge=0.0, le=60.0)
    """Seconds that each step takes, so that a job can be as slow as a real one."""
    fps: int = Field(default=16, ge=1, le=30)
    """Frames per second, of a video."""
    duration: float | None = Field(default=None, gt=0.0, le=10.0)
    """Seconds of video; without it, it is a picture."""

    @property
    def length(self) -> VideoLength | None:
        return None if self.duration is None else VideoLength(round(self.duration * self.fps), self.fps)

    @field_validator("resolution")
    @classmethod
    def _is_sane(cls, size: Resolution) -> Resolution:
        if max(size.width, size.height) > MAX_SIDE:
            raise ValueError(f"expected at most {MAX_SIDE} pixels a side")
        return size

    @field_validator("duration")
    @classmethod
    def _can_be_filmed(cls, duration: float | None, info: ValidationInfo) -> float | None:
        size, fps = info.data.get("resolution"), info.data.get("fps")
        if duration and fps and round(duration * fps) < MIN_FRAMES:
            raise ValueError(f"expected {MIN_FRAMES} frames or more, which are {MIN_FRAMES / fps:g} s")
        if duration and size and (size.width % 2 or size.height % 2):
            raise ValueError("expected none for this size, since a video's sides are even")
        return duration


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
        artifacts: list[Artifact] = []
        for index, seed in enumerate(request.seeds):
            picture = paint(
                chosen.resolution,
                prompt=chosen.prompt,
                without=chosen.negative_prompt or "",
                seed=seed,
                steps=chosen.steps,
                guidance=chosen.guidance,
                title=request.job_type.id,
            )
            if chosen.length is None:
                artifacts.append(ImageArtifact(index=index, seed=seed, image=picture))
            else:
                from .filming import film

                frames = film(picture, chosen.length.frames)
                artifacts.append(VideoArtifact(index=index, seed=seed, frames=frames, fps=chosen.length.fps))
        return Output(artifacts=artifacts, effective=_effective(chosen))

    def unload(self) -> None:
        """There is nothing to give back."""


def _effective(chosen: PlaceholderParameters) -> dict[str, JsonValue]:
    """A video's duration is that of its whole frames: half a second at 15 fps has 8, which last 0.5333 s."""
    effective: dict[str, JsonValue] = chosen.model_dump(mode="json", exclude={"fps", "duration"})
    if chosen.length is not None:
        length = chosen.length
        effective |= {"frames": length.frames, "fps": length.fps, "duration": round(length.seconds, 4)}
    return effective


class PlaceholderFamily:
    """Placeholders, painted with Pillow."""

    name = "placeholder"
    description = "Placeholder pictures and videos without a GPU, for frontends and load tests"
    default_model = ModelEntry(family="placeholder", location="none")
    parameters = PlaceholderParameters
    requirements = ("pillow>=10.3",)

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        yield from check_parameters(job_type, PlaceholderParameters)
        if model.location != self.default_model.location or model.precision is not None:
            yield Finding(("model",), "model_unsupported", model.location, "none, there is nothing to load")
        for name in (*job_type.required_inputs, *job_type.accepts):
            yield Finding(("accepts",), "input_unsupported", name, "none, since a placeholder shows none")

    def reduce(self, parameters: PlaceholderParameters, profile: Profile) -> PlaceholderParameters:
        size, length = parameters.resolution, parameters.length
        # A video's sides are even.
        unit = 1 if length is None else 2
        width, height = (
            max(unit, round(side * profile.scale / unit) * unit) for side in (size.width, size.height)
        )
        changes: dict[str, object] = {
            "resolution": Resolution(width, height),
            "steps": max(1, round(parameters.steps * profile.steps)),
        }
        if length is not None:
            changes["duration"] = max(MIN_FRAMES, round(length.frames * profile.frames)) / length.fps
        return parameters.model_copy(update=changes)

    def load(self, context: LoadContext) -> PlaceholderModel:
        if context.device not in (None, "cpu"):
            raise ModelInvalid(f"placeholder paints on the CPU, found device {context.device!r}")
        return PlaceholderModel()


@hookimpl
def ourvidz_model_families() -> list[PlaceholderFamily]:
    return [PlaceholderFamily()]
