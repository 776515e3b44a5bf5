"""WAN does all that a family promises, in videos and in pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.plugins.checkpoints.digest import checkpoint_digest
from ourvidz.plugins.checkpoints.layout import read_checkpoint
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.project import Project
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry
from tests.conformance.family import Change, FamilyCase, FamilyConformance
from tests.plugins.wan.conftest import job_type
from tests.site import REPOSITORY

CHANGES = {
    "prompt": Change(value="a quiet forest in winter"),
    "negative_prompt": Change(value="blurry"),
    "resolution": Change(value="64x32"),
    "steps": Change(value=3),
    "guidance": Change(value=2.0),
    "flow_shift": Change(value=8.0),
}

INVISIBLE = {
    "deterministic": "the CPU has no other algorithms",
    "scheduler": "there is but one",
}


def _case(checkpoint: Path, spec: JobType, **more: Change) -> FamilyCase:
    family = WanFamily()
    project = Project.open(jobtypes=REPOSITORY / "jobtypes", config=REPOSITORY / "ourvidz.yaml")
    only_videos = dict.fromkeys({"duration", "frames", "fps"} - set(more), "a picture has none")
    return FamilyCase(
        family=family,
        model=ModelEntry(family=family.name, location=str(checkpoint)),
        job_type=spec,
        changes=CHANGES | more,
        invisible=INVISIBLE | only_videos,
        shipped=project.catalog.of_family(family.name),
        digest=checkpoint_digest(read_checkpoint(checkpoint, LAYOUT)),
    )


class TestVideos(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, checkpoint: Path) -> FamilyCase:
        return _case(
            checkpoint,
            job_type(resolution="32x32", frames=9),
            # 9 frames at 16 per second.
            duration=Change(value=0.5625, beside={"frames": None, "duration": 0.3125}),
            frames=Change(value=5),
            fps=Change(value=8),
        )


class TestPictures(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, checkpoint: Path) -> FamilyCase:
        return _case(checkpoint, job_type("image", resolution="32x32"))
