"""One small checkpoint, built once, and the real pipeline on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL.Image import Image

from ourvidz.plugins.family import GenerationRequest, ImageArtifact, LoadContext, Model, Output
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.parameters import SdxlParameters
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry

SPEC: dict[str, Any] = {
    "id": "landscape",
    "worker": "SDXL",
    "queue": "sdxl_queue",
    "content_type": "image",
    "resolution": "128x128",
    "steps": 3,
    "guidance": 6.0,
    "expected_time": "5s",
    "storage_bucket": "sdxl_fast",
    "quality_tier": "fast",
}


@dataclass(slots=True)
class Context:
    """A job's context that keeps what it is told, and may end the job by raising."""

    folder: Path
    seen: list[tuple[str, int, int]] = field(default_factory=list)
    raises_at: int | None = None
    error: Exception | None = None

    def step(self, stage: str, step: int, steps: int) -> None:
        self.seen.append((stage, step, steps))
        if self.error is not None and step == self.raises_at:
            raise self.error


def job_type(**changes: object) -> JobType:
    return JobType.model_validate(SPEC | changes)


def parameters(**changes: object) -> SdxlParameters:
    values: dict[str, object] = {
        "prompt": "a lighthouse at dusk",
        "resolution": "128x128",
        "steps": 3,
        "guidance": 6.0,
    }
    return SdxlParameters.model_validate(values | changes)


def load_from(
    folder: Path | str, *, root: Path = Path("/"), shared: SharedParts | None = None
) -> Model[SdxlParameters]:
    entry = ModelEntry(family="sdxl", location=str(folder))
    context = LoadContext(
        model=entry, device="cpu", precision=None, root=root, shared=shared or SharedParts()
    )
    return SdxlFamily().load(context)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests run side by side on few cores, where threads that wait for each other cost the most."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint, not to be changed."""
    folder = tmp_path_factory.mktemp("sdxl") / "small"
    assert SdxlFamily().write_small_checkpoint(folder, seed=0)
    return folder


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the small checkpoint, to be broken."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> Model[SdxlParameters]:
    return load_from(checkpoint)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


@pytest.fixture
def paint(model: Model[SdxlParameters], context: Context) -> Callable[..., Output]:
    """Paints with the session's model: ``paint(seeds=(7,), steps=4)``."""
    return painter(model, context)


def painter(model: Model[SdxlParameters], context: Context) -> Callable[..., Output]:
    def paint(*, seeds: tuple[int, ...] = (7,), **changes: object) -> Output:
        wanted = parameters(num_images=len(seeds), **changes)
        request = GenerationRequest(job_type=job_type(), parameters=wanted, seeds=seeds)
        return model.generate(request, context)

    return paint


def picture(output: Output, index: int = 0) -> Image:
    artifact = output.artifacts[index]
    assert isinstance(artifact, ImageArtifact)
    return artifact.image


def pixels(output: Output, index: int = 0) -> bytes:
    return picture(output, index).tobytes()
