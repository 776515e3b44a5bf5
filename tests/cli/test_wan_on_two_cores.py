"""WAN's job types from checkpoint to files on a machine without a GPU, as its user types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ourvidz.runtime.making.mp4 import read_mp4
from tests.site import REPOSITORY

PROMPT = "waves on a rocky shore at sunset"


@dataclass(frozen=True, slots=True)
class Made:
    """A completed job: what the command line says of it, and its files."""

    status: dict[str, Any]

    @property
    def result(self) -> Any:
        return self.status["result"]

    @property
    def asset(self) -> Any:
        [asset] = self.result["assets"]
        return asset

    def file(self, ending: str) -> Path:
        [path] = [path for path in map(Path, self.status["places"]) if path.suffix == ending]
        return path


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Made]:
    """One job of each type, by job type, made under the profile that ``ourvidz.yaml`` has for it."""
    shutil.copy(REPOSITORY / "ourvidz.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "jobtypes", tmp_path / "jobtypes")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OURVIDZ_")}

    def ourvidz(*arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, "-P", "-m", "ourvidz", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    ourvidz("models", "make-small", "wan", "data/checkpoints/wan-small")
    jobs = {
        job_type: ourvidz("submit", job_type, "--prompt", PROMPT, "--seed", "7", "--set", "steps=5").strip()
        for job_type in ("video_fast", "image_fast")
    }
    ourvidz("run-worker", "--plugin", "wan", "--profile", "demo", "--burst")
    return {
        job_type: Made(json.loads(ourvidz("status", job_id, "--json"))) for job_type, job_id in jobs.items()
    }


def decoded(file: Path) -> list[NDArray[np.uint8]]:
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]


def test_jobs_of_both_kinds_are_made_and_are_what_their_results_say(made: dict[str, Made]) -> None:
    """One test, since making them takes a minute."""
    each_says_under_which_profile_it_was_made(made)
    video, image = made["video_fast"], made["image_fast"]
    the_result_says_what_was_really_made_of_a_video(video)
    the_video_decodes_and_something_moves_in_it(video)
    the_thumbnail_is_the_middle_of_the_video(video)
    a_picture_is_one_frame(image)


def each_says_under_which_profile_it_was_made(made: dict[str, Made]) -> None:
    for job_type, one in made.items():
        assert (one.status["status"], one.status["attempt"]) == ("completed", 1)
        assert (one.result["job_type"], one.result["profile"]) == (job_type, "demo")
        stages = ("load", "generate", "text", "denoise", "decode", "check", "encode", "store")
        assert tuple(one.result["seconds"]) == stages


def the_result_says_what_was_really_made_of_a_video(video: Made) -> None:
    assert (video.asset["type"], video.asset["mime"], video.asset["seed"]) == ("video", "video/mp4", 7)
    assert (video.asset["width"], video.asset["height"]) == (240, 416)
    assert (video.asset["frames"], video.asset["duration"]) == (33, 33 / 16)
    made_with = video.result["parameters"]
    assert (made_with["resolution"], made_with["frames"], made_with["fps"]) == ("240x416", 33, 16)
    assert (made_with["steps"], made_with["guidance"]) == (5, 6.5)


def the_video_decodes_and_something_moves_in_it(video: Made) -> None:
    file = video.file(".mp4")
    found = read_mp4(file)
    assert (found.codec, found.pixel_format, str(found.size)) == ("h264", "yuv420p", "240x416")
    assert (found.frames, float(found.fps), float(found.seconds)) == (33, 16.0, 33 / 16)
    assert found.index_first
    frames = np.stack(decoded(file)).astype(int)
    with av.open(file) as container:
        assert json.loads(container.metadata["parameters"])["prompt"] == PROMPT
    assert frames.std(axis=(1, 2)).mean() > 10, "there is nothing to see in its frames"
    assert np.abs(frames[-1] - frames[0]).mean() > 5, "it stands still"


def the_thumbnail_is_the_middle_of_the_video(video: Made) -> None:
    frames = [Image.fromarray(frame).resize((148, 256)) for frame in decoded(video.file(".mp4"))]
    with Image.open(video.file(".webp")) as small:
        assert small.size == (148, 256)
        shown = np.asarray(small.convert("RGB")).astype(int)
    distances = [np.abs(np.asarray(frame).astype(int) - shown).mean() for frame in frames]
    assert abs(int(np.argmin(distances)) - 16) <= 1


def a_picture_is_one_frame(image: Made) -> None:
    assert (image.asset["type"], image.asset["mime"]) == ("image", "image/png")
    assert (image.asset["frames"], image.asset["duration"]) == (None, None)
    with Image.open(image.file(".png")) as picture:
        assert picture.size == (image.asset["width"], image.asset["height"]) == (416, 240)
        assert np.asarray(picture).std(axis=(0, 1)).mean() > 10, "there is nothing to see in it"
    with Image.open(image.file(".webp")) as small:
        assert small.size == (256, 148)
