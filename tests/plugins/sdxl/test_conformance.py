"""SDXL does all that a family promises, from text alone and from a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ourvidz.plugins.checkpoints.digest import checkpoint_digest
from ourvidz.plugins.checkpoints.layout import read_checkpoint
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.project import Project
from ourvidz.spec.job_type import Lora
from ourvidz.spec.settings import ModelEntry
from tests.conformance.family import Change, FamilyCase, FamilyConformance
from tests.plugins.sdxl.conftest import job_type
from tests.plugins.sdxl.lora_files import write_kohya
from tests.site import REPOSITORY

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "dunes.png"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def text_case(checkpoint: Path, picture: Path, tmp_path_factory: pytest.TempPathFactory) -> FamilyCase:
    family = SdxlFamily()
    project = Project.open(jobtypes=REPOSITORY / "jobtypes", config=REPOSITORY / "ourvidz.yaml")
    lora = write_kohya(tmp_path_factory.mktemp("loras") / "snow.safetensors")
    return FamilyCase(
        family=family,
        model=ModelEntry(family=family.name, location=str(checkpoint)),
        job_type=job_type(resolution="64x64"),
        changes={
            "prompt": Change(value="a quiet forest in winter"),
            "negative_prompt": Change(value="blurry"),
            "resolution": Change(value="64x128"),
            "steps": Change(value=4),
            "guidance": Change(value=7.5),
            "scheduler": Change(value="euler_ancestral"),
            "strength": Change(value=0.7, beside={"strength": 1.0}, inputs={"init_image": picture}),
            "loras": Change(value=(Lora(file=str(lora)),)),
        },
        invisible={"deterministic": "the CPU has no other algorithms"},
        shipped=project.catalog.of_family(family.name),
        digest=checkpoint_digest(read_checkpoint(checkpoint, LAYOUT)),
    )


class TestFromText(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, text_case: FamilyCase) -> FamilyCase:
        return text_case


class TestFromAPicture(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, text_case: FamilyCase, picture: Path) -> FamilyCase:
        spec = job_type(resolution="64x64", requires="init_image_upload", strength=0.7)
        changes = {**text_case.changes, "strength": Change(value=0.4)}
        return replace(text_case, job_type=spec, inputs={"init_image": picture}, changes=changes)
