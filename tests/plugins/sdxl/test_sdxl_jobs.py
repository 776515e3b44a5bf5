"""SDXL's jobs from a YAML file to a stored picture: models, LoRAs and samplers of a running worker."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from safetensors.torch import load_file, save_file

from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.project import Project
from ourvidz.runtime.client import Client
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from tests.plugins.sdxl.lora_files import write_kohya
from tests.site import forget_environment

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

SPEC = """\
worker: SDXL
queue: sdxl_queue
content_type: image
resolution: 64x64
steps: 2
guidance: 6.0
expected_time: 5s
storage_bucket: sdxl_fast
quality_tier: fast
"""

SETTINGS = """\
models:
  sdxl: {family: sdxl, location: checkpoints/small, vram: 1GB}
workers:
  sdxl: {device: cpu, vram: 2GB}
"""

POSTERS = "  posters: {family: sdxl, location: checkpoints/posters, vram: 1GB}\n"


@dataclass
class Told(Observer):
    """What a worker tells of its models."""

    loaded: list[str] = field(default_factory=list)
    unloaded: list[str] = field(default_factory=list)

    def model_loaded(self, model: str, seconds: float) -> None:
        self.loaded.append(model)

    def model_unloaded(self, model: str, why: str) -> None:
        self.unloaded.append(model)


@dataclass
class Studio:
    """A project folder and its worker."""

    root: Path
    worker: Worker
    told: Told

    def spec(self, id: str, more: str = "") -> None:
        (self.root / f"jobtypes/{id}.yaml").write_text(SPEC + more)

    def make(self, id: str, **params: Any) -> Result | Failure:
        """Make one job; its result, or why there is none."""
        with Client.open(self.project()) as client:
            job_id = client.submit(id, prompt="a lighthouse at dusk", seed=7, params=params)
            assert self.worker.run(burst=True) == 1
            status = client.status(job_id)
        ending = status.result or status.error
        assert ending is not None
        return ending

    def picture(self, id: str, **params: Any) -> bytes:
        """The pixels of one job."""
        result = self.make(id, **params)
        assert isinstance(result, Result)
        with Image.open(self.root / "data/storage/sdxl_fast" / result.assets[0].path) as picture:
            return picture.tobytes()

    def project(self) -> Project:
        return Project.open(jobtypes=self.root / "jobtypes", config=self.root / "ourvidz.yaml")


@pytest.fixture
def studio(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    forget_environment(monkeypatch)
    (tmp_path / "jobtypes").mkdir()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/small").symlink_to(checkpoint)
    (tmp_path / "ourvidz.yaml").write_text(SETTINGS)
    (tmp_path / "jobtypes/landscape.yaml").write_text(SPEC)
    told = Told()
    project = Project.open(jobtypes=tmp_path / "jobtypes", config=tmp_path / "ourvidz.yaml")
    with Worker(project, "sdxl", observer=told) as worker:
        yield Studio(tmp_path, worker, told)


@pytest.fixture(scope="module")
def other_unet(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second checkpoint, as a fine-tune is: another UNet, everything else the same."""
    other = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("other") / "small"))
    weights = other / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    save_file(tensors | {"conv_out.weight": tensors["conv_out.weight"] / 2}, weights, {"format": "pt"})
    return other


def alive(class_name: str) -> list[Any]:
    """The parts of this class that are in memory."""
    gc.collect()
    return [one for one in gc.get_objects() if type(one).__name__ == class_name]


#: All parts with weights but the UNet.
SHARED = ("CLIPTextModel", "CLIPTextModelWithProjection", "AutoencoderKL")
PARTS = (*SHARED, "UNet2DConditionModel")


def counts() -> dict[str, int]:
    return {name: len(alive(name)) for name in PARTS}


def test_a_second_checkpoint_is_served_once_its_files_are_there_and_shares_equal_parts(
    studio: Studio, other_unet: Path
) -> None:
    first = studio.picture("landscape")
    assert studio.told.loaded == ["sdxl"]
    one = counts()

    (studio.root / "checkpoints/posters").symlink_to(other_unet)
    (studio.root / "ourvidz.yaml").write_text(SETTINGS.replace("workers:", f"{POSTERS}workers:"))
    studio.spec("poster", "model: posters\n")
    assert studio.picture("poster") != first
    assert studio.told.loaded == ["sdxl", "posters"]
    assert studio.told.unloaded == []
    assert counts() == one | {"UNet2DConditionModel": one["UNet2DConditionModel"] + 1}
    assert studio.picture("landscape") == first
    assert studio.told.loaded == ["sdxl", "posters"]

    (studio.root / "jobtypes/landscape.yaml").unlink()
    studio.worker.run(burst=True)
    assert studio.told.unloaded == ["sdxl"]
    assert counts() == one


def test_what_no_model_uses_any_more_leaves_the_memory(studio: Studio, other_unet: Path) -> None:
    before = {id(one) for name in PARTS for one in alive(name)}
    (studio.root / "checkpoints/posters").symlink_to(other_unet)
    small = SETTINGS.replace("vram: 2GB", "vram: 1GB").replace("workers:", f"{POSTERS}workers:")
    (studio.root / "ourvidz.yaml").write_text(small)
    studio.spec("poster", "model: posters\n")
    first = studio.picture("landscape")
    parts = [weakref.ref(one) for name in PARTS for one in alive(name) if id(one) not in before]
    # Some versions of transformers have one text encoder inside of the other's.
    assert len(parts) >= 4
    studio.picture("poster")
    assert studio.told.unloaded == ["sdxl"]
    gc.collect()
    assert [part() for part in parts] == [None] * len(parts)
    assert studio.picture("landscape") == first


def test_a_lora_of_a_job_type_is_worn_by_its_jobs_alone(studio: Studio) -> None:
    (studio.root / "loras").mkdir()
    write_kohya(studio.root / "loras/snow.safetensors")
    studio.spec("winter", "loras: [{file: loras/snow.safetensors, scale: 0.8}]\n")
    plain, winter = studio.picture("landscape"), studio.picture("winter")
    assert plain != winter
    assert (studio.picture("landscape"), studio.picture("winter")) == (plain, winter)
    assert studio.told.loaded == ["sdxl"]
    result = studio.make("winter")
    assert isinstance(result, Result)
    digest = hashlib.sha256((studio.root / "loras/snow.safetensors").read_bytes()).hexdigest()
    worn = [{"file": "snow.safetensors", "scale": 0.8, "sha256": digest}]
    assert result.parameters["loras"] == worn
    with Image.open(studio.root / "data/storage/sdxl_fast" / result.assets[0].path) as picture:
        assert isinstance(picture, PngImageFile)
        assert json.loads(picture.text["parameters"])["loras"] == worn


def test_a_wrong_lora_fails_its_job_once_and_no_other(studio: Studio) -> None:
    wrong = studio.root / "wrong.safetensors"
    wrong.write_bytes(write_kohya(wrong).read_bytes()[:-8])
    studio.spec("winter", "loras: [{file: wrong.safetensors}]\n")
    plain = studio.picture("landscape")
    failure = studio.make("winter")
    assert isinstance(failure, Failure)
    assert failure.code == "lora_invalid"
    assert studio.picture("landscape") == plain


def test_a_missing_lora_fails_its_job_once_and_no_other(studio: Studio) -> None:
    studio.spec("winter", "loras: [{file: absent.safetensors}]\n")
    plain = studio.picture("landscape")
    failure = studio.make("winter")
    assert isinstance(failure, Failure)
    assert failure.code == "lora_missing"
    assert studio.picture("landscape") == plain


def without_weights(folder: Path) -> str:
    (folder / "vae/diffusion_pytorch_model.safetensors").unlink()
    return ""


def of_another_class(folder: Path) -> str:
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionXLPipeline", "StableDiffusionPipeline"))
    return ""


def under_another_digest(folder: Path) -> str:  # noqa: ARG001  one of several ways, which take the folder
    return f", digest: 'sha256:{'0' * 64}'"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (without_weights, "model_invalid"),
        (of_another_class, "model_invalid"),
        (under_another_digest, "digest_mismatch"),
    ],
)
def test_a_checkpoint_that_is_not_right_fails_its_job_once_and_no_other(
    studio: Studio, checkpoint: Path, spoil: Callable[[Path], str], code: str
) -> None:
    folder = Path(shutil.copytree(checkpoint, studio.root / "checkpoints/posters"))
    entry = f"  posters: {{family: sdxl, location: checkpoints/posters, vram: 1GB{spoil(folder)}}}\n"
    (studio.root / "ourvidz.yaml").write_text(SETTINGS.replace("workers:", f"{entry}workers:"))
    studio.spec("poster", "model: posters\n")
    plain = studio.picture("landscape")
    failure = studio.make("poster")
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert studio.picture("landscape") == plain


def test_the_scheduler_of_a_job_type_and_of_a_request_is_the_one_that_is_used(studio: Studio) -> None:
    studio.spec("sharp", "scheduler: ddim\nparams: {scheduler: {choices: [ddim, heun]}}\n")
    own, chosen = studio.make("sharp"), studio.make("sharp", scheduler="heun")
    assert isinstance(own, Result)
    assert isinstance(chosen, Result)
    assert own.parameters["scheduler_class"] == "DDIMScheduler"
    assert chosen.parameters["scheduler_class"] == "HeunDiscreteScheduler"
    assert len({studio.picture("landscape"), studio.picture("sharp")}) == 2
