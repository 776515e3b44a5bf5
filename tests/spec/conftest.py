"""A folder for job types, and a family that judges them without any library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from ourvidz.spec.catalog import Catalog
from ourvidz.spec.checks import build_catalog
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import read_sources
from ourvidz.spec.problems import Finding, Problem, SpecInvalid
from ourvidz.spec.settings import ModelEntry

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

#: A job type with nothing but what it must say, as lines by field.
PLAIN = {
    "worker": "PAINT",
    "queue": "paint_queue",
    "content_type": "image",
    "resolution": "64x64",
    "steps": "15",
    "guidance": "6.0",
    "expected_time": "5s",
    "storage_bucket": "sketches",
    "quality_tier": "fast",
}

Write = Callable[..., Path]


@dataclass(frozen=True)
class Rules:
    """A family that makes what eight divides, in any length of 4k+1 frames."""

    name: str

    @property
    def default_model(self) -> ModelEntry:
        return ModelEntry(family=self.name, location=f"checkpoints/{self.name}")

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        size = job_type.resolution
        if size.width % 8 or size.height % 8 or (model.sizes and size not in model.sizes):
            yield Finding(("resolution",), "size_unsupported", str(size), "sides that 8 divides")
        if job_type.frames is not None and job_type.frames % 4 != 1:
            yield Finding(("frames",), "frames_unsupported", str(job_type.frames), "4k+1, such as 81 or 85")


FAMILIES: Mapping[str, Rules] = {name: Rules(name) for name in ("paint", "film")}


def spec(**changed: str | None) -> str:
    """The text of a job type: PLAIN with other values, without those that are None."""
    lines = {**PLAIN, **changed}
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value is not None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``jobtypes`` in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobtypes").mkdir()
    return Path("jobtypes")


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a file of the folder: a text as it is, or a job type with changed fields."""

    def write(name: str, text: str | bytes | None = None, /, **changed: str | None) -> Path:
        content = spec(**changed) if text is None else text
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def build(settings_file: Path | None = None) -> Catalog:
    """The catalog of ``./jobtypes``. Raises SpecInvalid."""
    return build_catalog(read_sources(Path("jobtypes"), settings_file), FAMILIES)


def problems(settings_file: Path | None = None) -> tuple[Problem, ...]:
    """What is wrong with ``./jobtypes``; fails if nothing is."""
    with pytest.raises(SpecInvalid) as caught:
        build(settings_file)
    return caught.value.problems


def only_problem(settings_file: Path | None = None) -> Problem:
    (problem,) = problems(settings_file)
    return problem
