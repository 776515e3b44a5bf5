"""The drop-in plugin of the tutorial, loaded the way its user loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ourvidz.plugins.discovery import plugins_in
from ourvidz.plugins.family import (
    GenerationRequest,
    ImageArtifact,
    LoadContext,
    Model,
    ModelFamily,
    ModelInvalid,
    Output,
    VideoArtifact,
    VideoLength,
)
from ourvidz.plugins.manager import Plugins
from ourvidz.plugins.parameters import spec_parameters, validate_parameters
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Profile
from ourvidz.spec.units import Resolution
from tests.conformance.family import Change, FamilyCase, FamilyConformance

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "plugins/placeholder"
SPEC = yaml.safe_load((FOLDER / "placeholder_fast.yaml").read_text(encoding="utf-8"))
VIDEO = yaml.safe_load((FOLDER / "placeholder_video.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def family() -> ModelFamily[Any]:
    return Plugins(plugins_in(ROOT / "plugins", ROOT), root=ROOT).families()["placeholder"]


@pytest.fixture
def model(family: ModelFamily[Any]) -> Model[Any]:
    entry = family.default_model
    return family.load(LoadContext(model=entry, device=None, precision=None, root=ROOT))


def job_type(**fields: Any) -> JobType:
    return JobType.model_validate({"id": "placeholder_fast"} | SPEC | fields)


class Context:
    """Remembers the steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[int] = []

    def step(self, stage: str, step: int, steps: int) -> None:
        assert (stage, steps) == ("paint", 10)
        self.steps.append(step)


def request(
    family: ModelFamily[Any], seeds: tuple[int, ...] = (7,), spec: JobType | None = None, **values: Any
) -> GenerationRequest[Any]:
    spec = spec or job_type()
    chosen = spec_parameters(spec) | {"prompt": "a lighthouse", "num_images": len(seeds)} | values
    parameters = validate_parameters(family.parameters, chosen)
    return GenerationRequest(job_type=spec, parameters=parameters, seeds=seeds)


def pictures(output: Output) -> list[ImageArtifact]:
    return [one for one in output.artifacts if isinstance(one, ImageArtifact)]


CHANGES = {
    "prompt": Change(value="a bridge"),
    "negative_prompt": Change(value="fog"),
    "resolution": Change(value="64x96"),
    "steps": Change(value=4),
    "guidance": Change(value=12.0),
}
INVISIBLE = {"deterministic": "it always is", "step_time": "it makes a job last longer"}


class TestPictures(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, family: ModelFamily[Any]) -> FamilyCase:
        return FamilyCase(
            family=family,
            model=family.default_model,
            job_type=job_type(resolution="64x64", steps=3),
            changes=CHANGES,
            invisible=INVISIBLE | dict.fromkeys(("duration", "fps"), "a picture has none"),
            shipped=[job_type(), job_type(**VIDEO)],
        )


class TestVideos(FamilyConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, family: ModelFamily[Any]) -> FamilyCase:
        return FamilyCase(
            family=family,
            model=family.default_model,
            job_type=job_type(**VIDEO | {"resolution": "64x64", "steps": 3, "duration": "250ms"}),
            changes=CHANGES | {"duration": Change(value=0.5), "fps": Change(value=8)},
            invisible=INVISIBLE,
            shipped=[job_type(), job_type(**VIDEO)],
        )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"frames": 9}, ("frames",)),
        ({"fps": 60}, ("fps",)),
        ({"content_type": "video", "duration": "1min"}, ("duration",)),
        ({"content_type": "video", "duration": "50ms"}, ("duration",)),
        ({"content_type": "video", "duration": "2s", "resolution": "65x64"}, ("duration",)),
        ({"strength": 0.5}, ("strength",)),
        ({"resolution": "5000x100"}, ("resolution",)),
        ({"scheduler": "euler"}, ("scheduler",)),
        ({"accepts": "init_image"}, ("accepts",)),
        ({"params": {"step_time": {"max": 90}}}, ("params", "step_time", "max")),
    ],
)
def test_what_it_does_not_show_is_refused(
    family: ModelFamily[Any], fields: dict[str, Any], field: tuple[str, ...]
) -> None:
    assert [one.field for one in family.check(job_type(**fields), family.default_model)] == [field]


def test_it_paints_one_picture_for_each_seed_and_reports_each_step(
    family: ModelFamily[Any], model: Model[Any], tmp_path: Path
) -> None:
    context = Context(tmp_path)
    output = model.generate(request(family, seeds=(7, 8, 9)), context)
    assert [(one.index, one.seed, one.image.size) for one in pictures(output)] == [
        (0, 7, (768, 512)),
        (1, 8, (768, 512)),
        (2, 9, (768, 512)),
    ]
    assert context.steps == list(range(1, 11))
    assert output.effective["resolution"] == "768x512"


def test_it_films_as_many_frames_as_its_time_has(
    family: ModelFamily[Any], model: Model[Any], tmp_path: Path
) -> None:
    asked = request(family, spec=job_type(**VIDEO), duration=0.5, fps=12)
    output = model.generate(asked, Context(tmp_path))
    [video] = [one for one in output.artifacts if isinstance(one, VideoArtifact)]
    assert (video.frames.shape, video.fps, video.seed) == ((6, 256, 384, 3), 12, 7)
    check_artifacts([video], seeds=(7,), size=Resolution(384, 256), length=VideoLength(6, 12))
    assert (output.effective["duration"], output.effective["fps"]) == (0.5, 12)


def test_what_was_filmed_is_told_and_not_what_was_asked_for(
    family: ModelFamily[Any], model: Model[Any], tmp_path: Path
) -> None:
    asked = request(family, spec=job_type(**VIDEO), duration=0.5, fps=15)
    told = model.generate(asked, Context(tmp_path)).effective
    assert (told["frames"], told["fps"], told["duration"]) == (8, 15, 0.5333)
    of_picture = model.generate(request(family), Context(tmp_path)).effective
    assert not {"frames", "fps", "duration"} & set(of_picture)


@pytest.mark.parametrize("size", ["1x1", "8x8", "64x64", "4096x16", "16x4096"])
def test_long_prompts_fit_any_size(
    family: ModelFamily[Any], model: Model[Any], tmp_path: Path, size: str
) -> None:
    asked = request(
        family, prompt="a very long lighthouse " * 200, negative_prompt="fog " * 99, resolution=size
    )
    [artifact] = pictures(model.generate(asked, Context(tmp_path)))
    assert f"{artifact.image.width}x{artifact.image.height}" == size


def test_a_profile_scales_it_down(family: ModelFamily[Any]) -> None:
    small = family.reduce(request(family).parameters, Profile(scale=0.25, steps=0.5))
    assert (str(small.resolution), small.steps) == ("192x128", 5)


def test_a_profile_leaves_a_video_one_that_can_be_encoded(family: ModelFamily[Any]) -> None:
    whole = request(family, spec=job_type(**VIDEO)).parameters
    assert whole.length == VideoLength(32, 16)
    small = family.reduce(whole, Profile(scale=0.33, frames=0.4))
    assert (str(small.resolution), small.length) == ("126x84", VideoLength(13, 16))
    tiny = family.reduce(whole, Profile(scale=0.001, frames=0.001))
    assert (str(tiny.resolution), tiny.length) == ("2x2", VideoLength(2, 16))
    assert validate_parameters(family.parameters, tiny.model_dump()) == tiny


def test_it_paints_on_no_other_device(family: ModelFamily[Any]) -> None:
    context = LoadContext(model=family.default_model, device="cuda", precision=None, root=ROOT)
    with pytest.raises(ModelInvalid, match="on the CPU"):
        family.load(context)
