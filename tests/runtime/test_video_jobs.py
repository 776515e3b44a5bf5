"""A job that makes a video, from its claim to the files: through a real worker, without a model."""

from __future__ import annotations

import json

import av
import pytest
from PIL import Image

from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.runtime.client import Client
from ourvidz.runtime.making import videos
from ourvidz.runtime.making.mp4 import read_mp4
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from tests.site import JOB_TYPE, Site

VIDEO = (
    JOB_TYPE.replace("content_type: image", "content_type: video\nduration: 1s")
    .replace("storage_bucket: placeholder_fast", "storage_bucket: films")
    .replace("params:", "params:\n  duration: {min: 0.5, max: 5}")
)

FAULTS = VIDEO.replace("PLACEHOLDER", "FAULTY").replace("placeholder_queue", "faults")

#: A family that makes of every prompt what it says, of a size of 64 by 48.
FAULTY = """
import numpy as np

from ourvidz.plugins.family import GenerationParameters, Output, VideoArtifact, VideoLength
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.spec.settings import ModelEntry


class Parameters(GenerationParameters):
    duration: float

    @property
    def length(self):
        return VideoLength(round(self.duration * 16), 16) if self.duration > 0.1 else None


class Model:
    fingerprint = {}

    def generate(self, request, context):
        x = np.arange(64 * 48 * 3).reshape(48, 64, 3) % 251
        frames = np.stack([(x + 4 * number) % 251 for number in range(16)]).astype(np.uint8)
        spoil = {
            "black": lambda: frames * 0,
            "frozen": lambda: np.repeat(frames[:1], 16, axis=0),
            "single colour": lambda: np.full_like(frames, 99),
            "15 frames": lambda: frames[:15],
            "64x47": lambda: frames[:, :47],
            "sound": lambda: frames,
        }
        made = spoil[request.parameters.prompt]()
        video = VideoArtifact(index=0, seed=request.seeds[0], frames=made, fps=16)
        return Output(artifacts=[video], effective={})

    def unload(self):
        pass


class Faulty:
    name = "faulty"
    description = "Makes of every prompt what it says"
    default_model = ModelEntry(family="faulty", location="none")
    parameters = Parameters
    requirements = ()

    def check(self, job_type, model):
        return []

    def reduce(self, parameters, profile):
        return parameters

    def load(self, context):
        return Model()


@hookimpl
def ourvidz_model_families():
    return [Faulty()]
"""

REVIEWER = """
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.reviewers import Verdict

class Strict:
    name = "strict"

    def review_output(self, request, artifacts):
        (video,) = artifacts
        seen = f"{len(video.frames)} frames of {video.frames[0].shape} at {video.fps}"
        return Verdict(allowed=False, category="test", reason=seen)

@hookimpl
def ourvidz_output_reviewers():
    return [Strict()]
"""


@pytest.fixture
def site(site: Site) -> Site:
    """With a job type for videos."""
    site.spec("films", VIDEO)
    return site


def add_plugin(site: Site, name: str, text: str) -> None:
    (site.root / "extra").mkdir()
    (site.root / "extra" / f"{name}.py").write_text(text)
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text().replace('"]', '", "extra"]'))


class Stages(Observer):
    """Remembers what a worker did."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self.seen.append(stage)


def stored(site: Site) -> list[str]:
    """The endings of everything in storage."""
    return sorted(path.suffix for path in (site.root / "data/storage").rglob("*.*") if path.is_file())


def work(site: Site, plugin: str = "placeholder", profile: str | None = None) -> None:
    with Worker(site.project(), plugin, profile=profile) as worker:
        worker.run(burst=True)


def test_a_job_leaves_a_video_its_thumbnail_and_what_is_known_about_it(site: Site, client: Client) -> None:
    job_id = client.submit("films", prompt="a red barn", seed=7)
    work(site)
    result = client.status(job_id).result
    assert result is not None
    [asset] = result.assets
    assert asset.path == f"{LOCAL_USER}/{job_id}/1-0.mp4"
    assert (asset.type, asset.mime, asset.bucket) == ("video", "video/mp4", "films")
    assert (asset.width, asset.height, asset.frames, asset.duration) == (64, 48, 16, 1.0)
    file = site.root / "data/storage/films" / asset.path
    found = read_mp4(file)
    assert (str(found.size), found.frames, found.index_first) == ("64x48", 16, True)
    assert found.seconds == 1
    with av.open(file) as container:
        known = json.loads(container.metadata["parameters"])
    assert (known["job_type"], known["prompt"], known["seed"]) == ("films", "a red barn", 7)
    assert asset.thumbnail is not None
    with Image.open(site.root / "data/storage/films" / asset.thumbnail.path) as small:
        assert (small.format, small.size) == ("WEBP", (64, 48))


def test_the_result_says_how_long_each_stage_took_and_under_which_profile(site: Site, client: Client) -> None:
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text() + "profiles: {small: {scale: 0.5, frames: 0.5}}\n")
    whole = client.submit("films", prompt="a red barn")
    work(site)
    small = client.submit("films", prompt="a red barn")
    work(site, profile="small")
    results = [client.status(job_id).result for job_id in (whole, small)]
    assert [result.profile for result in results if result] == [None, "small"]
    assert [(one.width, one.frames) for result in results if result for one in result.assets] == [
        (64, 16),
        (32, 8),
    ]
    for result in results:
        assert result is not None
        assert list(result.seconds) == ["load", "generate", "check", "encode", "store"]
        assert result.peak_memory is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("black", "video 0 (seed 7) is black from beginning to end"),
        ("frozen", "video 0 (seed 7) is frozen: all 16 frames show the same"),
        ("single colour", "video 0 (seed 7) has one single colour in every frame"),
        ("15 frames", "video 0 (seed 7) has 15 frames at 16 a second, expected 16 at 16"),
        ("64x47", "video 0 (seed 7) is 64x47, expected 64x48"),
    ],
)
def test_a_video_that_is_none_fails_once_is_not_stored_and_harms_no_other_job(
    site: Site, fault: str, words: str
) -> None:
    add_plugin(site, "faulty", FAULTY)
    site.spec("faults", FAULTS)
    with Client.open(site.project()) as client:
        faulty = client.submit("faults", prompt=fault, seed=7)
        sound = client.submit("faults", prompt="sound", seed=7)
        work(site, "faulty")
        status = client.status(faulty)
        assert (status.status, status.attempt) == ("failed", 1)
        assert status.error is not None
        assert (status.error.code, status.error.message) == ("output_invalid", words)
        assert client.status(sound).status == "completed"
    assert stored(site) == [".mp4", ".webp"]


def test_a_reviewer_sees_every_frame_and_what_it_refuses_is_never_stored(site: Site, client: Client) -> None:
    add_plugin(site, "strict", REVIEWER)
    job_id = client.submit("films", prompt="a barn")
    work(site)
    error = client.status(job_id).error
    assert error is not None
    assert error.code == "refused"
    assert error.message == "strict refused it (test): 16 frames of (48, 64, 3) at 16"
    assert stored(site) == []


def test_a_worker_that_cannot_encode_says_so_before_it_generates(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "REQUIREMENTS", ("av>=9999",))
    job_id = client.submit("films", prompt="a barn")
    stages = Stages()
    with Worker(site.project(), "placeholder", observer=stages) as worker:
        worker.run(burst=True)
    error = client.status(job_id).error
    assert error is not None
    assert error.code == "requirement_missing"
    assert error.message.endswith('run: pip install "av>=9999"')
    assert stages.seen == []


def test_a_request_for_so_short_a_video_that_it_is_a_picture_is_refused_when_it_is_made(site: Site) -> None:
    add_plugin(site, "faulty", FAULTY)
    site.spec("faults", FAULTS.replace("min: 0.5", "min: 0.05"))
    with (
        Client.open(site.project()) as client,
        pytest.raises(ParameterRefused, match="faults makes videos, and so short a one is a picture"),
    ):
        client.submit("faults", prompt="sound", params={"duration": 0.05})


def test_a_request_cannot_make_a_video_of_a_picture(site: Site) -> None:
    site.spec("cards", JOB_TYPE.replace("params:", "params:\n  duration: {min: 1, max: 5}"))
    with (
        Client.open(site.project()) as client,
        pytest.raises(ParameterRefused, match="cards makes images, and 32 frames are a video"),
    ):
        client.submit("cards", prompt="a barn", params={"duration": 2})
