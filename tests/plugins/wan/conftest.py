"""One small checkpoint, built once, and the real pipeline on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ourvidz.plugins.family import GenerationRequest, ImageArtifact, LoadContext, Model, Output, VideoArtifact
from ourvidz.plugins.parameters import validate_parameters
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.parameters import WanParameters
from ourvidz.spec.job_type import ContentType, JobType
from ourvidz.spec.settings import ModelEntry, Precision
from tests.plugins.sdxl.conftest import Context

SPEC: dict[str, Any] = {
    "id": "harbour",
    "worker": "WAN",
    "queue": "wan_queue",
    "content_type": "video",
    "resolution": "64x48",
    "steps": 2,
    "guidance": 5.0,
    "expected_time": "5s",
    "storage_bucket": "harbour",
    "quality_tier": "fast",
}


def job_type(content: ContentType = "video", **changes: object) -> JobType:
    return JobType.model_validate(SPEC | {"content_type": content} | changes)


def parameters(**changes: object) -> WanParameters:
    values: dict[str, Any] = {
        "prompt": "a lighthouse at dusk",
        "resolution": "64x48",
        "steps": 2,
        "guidance": 5.0,
    }
    return validate_parameters(WanParameters, values | changes)


def load_from(folder: Path, precision: Precision | None = None) -> Model[WanParameters]:
    entry = ModelEntry(family="wan", location=str(folder))
    return WanFamily().load(LoadContext(model=entry, device="cpu", precision=precision, root=Path("/")))


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
    folder = tmp_path_factory.mktemp("wan") / "small"
    assert WanFamily().write_small_checkpoint(folder, seed=0)
    return folder


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the small checkpoint, to be broken."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> Model[WanParameters]:
    return load_from(checkpoint)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


Film = Callable[..., Output]


@pytest.fixture
def film(model: Model[WanParameters], context: Context) -> Film:
    """Makes videos with the session's model: ``film(seeds=(7,), steps=4)``, of 5 frames unless told."""

    def film(*, seeds: tuple[int, ...] = (7,), **changes: object) -> Output:
        if "duration" not in changes:
            changes = {"frames": 5} | changes
        request = GenerationRequest(job_type=job_type(), parameters=parameters(**changes), seeds=seeds)
        return model.generate(request, context)

    return film


@pytest.fixture
def paint(model: Model[WanParameters], context: Context) -> Film:
    """Makes pictures with the session's model."""

    def paint(*, seeds: tuple[int, ...] = (7,), **changes: object) -> Output:
        wanted = parameters(num_images=len(seeds), **changes)
        request = GenerationRequest(job_type=job_type("image"), parameters=wanted, seeds=seeds)
        return model.generate(request, context)

    return paint


def frames(output: Output, index: int = 0) -> NDArray[np.uint8]:
    video = output.artifacts[index]
    assert isinstance(video, VideoArtifact)
    return video.frames


def pixels(output: Output, index: int = 0) -> bytes:
    artifact = output.artifacts[index]
    return artifact.image.tobytes() if isinstance(artifact, ImageArtifact) else artifact.frames.tobytes()
