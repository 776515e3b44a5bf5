"""A model family, a storage and a callback that do nothing, so that what is left is the runtime's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PIL import Image
from pydantic import JsonValue

from ourvidz.jobs.storage import ObjectKey, ObjectNotFound
from ourvidz.plugins.backends import Backend
from ourvidz.plugins.family import (
    GenerationParameters,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    Output,
)
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Profile

if TYPE_CHECKING:
    from ourvidz.jobs.callback import Callback
    from ourvidz.jobs.outbox import OutboxEntry
    from ourvidz.jobs.storage import Storage


class NoopModel:
    """Returns the same small picture every time."""

    def __init__(self) -> None:
        self.fingerprint: dict[str, JsonValue] = {"painter": "none"}
        self._image = Image.linear_gradient("L").resize((16, 16)).convert("RGB")

    def generate(self, request: GenerationRequest[GenerationParameters], context: JobContext) -> Output:
        context.step("denoise", 1, 1)
        picture = ImageArtifact(index=0, seed=request.seeds[0], image=self._image)
        return Output(artifacts=[picture], effective={})

    def unload(self) -> None:
        """There is nothing to give back."""


class NoopFamily:
    """Pictures of 16x16 pixels, all the same."""

    name = "noop"
    description = "Nothing is made, so that the rest can be measured"
    default_model = ModelEntry(family="noop", location="none")
    parameters = GenerationParameters
    requirements = ()

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        yield from ()

    def reduce(self, parameters: GenerationParameters, profile: Profile) -> GenerationParameters:
        return parameters

    def load(self, context: LoadContext) -> NoopModel:
        return NoopModel()


class NoopStorage:
    """Keeps nothing."""

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        """Forget it."""

    def read(self, key: ObjectKey, *, limit: int | None = None) -> bytes:
        raise ObjectNotFound(f"{key}: nothing is kept here")

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectKey]:
        yield from ()

    def delete(self, key: ObjectKey) -> None:
        """It is not there."""

    def locate(self, key: ObjectKey) -> str:
        return str(key)

    def close(self) -> None:
        """Nothing is open."""


class NoopCallback:
    """Accepts everything."""

    def deliver(self, entry: OutboxEntry) -> None:
        """It is accepted."""

    def locate(self, job_id: str) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


@hookimpl
def ourvidz_model_families() -> list[NoopFamily]:
    return [NoopFamily()]


@hookimpl
def ourvidz_storages() -> Sequence[Backend[Storage]]:
    return [Backend(scheme="noop", open=lambda _: NoopStorage())]


@hookimpl
def ourvidz_callbacks() -> Sequence[Backend[Callback]]:
    return [Backend(scheme="noop", open=lambda _: NoopCallback())]
