"""SDXL's job types from checkpoint to files on a machine without a GPU, as its user types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.site import REPOSITORY

PROMPT = "the sea, at dusk, a lighthouse on the right"

Type = Callable[..., str]


@pytest.fixture
def ourvidz(tmp_path: Path) -> Type:
    """Runs a command as a process of its own, in a project with the repository's job types."""
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

    return ourvidz


def test_pictures_are_painted_from_text_and_from_a_picture(tmp_path: Path, ourvidz: Type) -> None:
    photo = tmp_path / "photo.png"
    Image.linear_gradient("L").convert("RGB").save(photo)
    wishes = {
        "sdxl_image_fast": ("--set", "steps=6"),
        "sdxl_img2img": ("--image", str(photo), "--set", "strength=0.5"),
    }
    jobs = {
        job_type: ourvidz("submit", job_type, "--prompt", PROMPT, "--seed", "7", *more).strip()
        for job_type, more in wishes.items()
    }
    ourvidz("run-worker", "--plugin", "sdxl", "--profile", "demo", "--burst")
    for job_type, job in jobs.items():
        status = json.loads(ourvidz("status", job, "--json"))
        assert (status["status"], status["attempt"]) == ("completed", 1)
        result = status["result"]
        assert (result["job_type"], result["profile"]) == (job_type, "demo")
        assert result["parameters"].get("steps_run", 6) == (10 if job_type == "sdxl_img2img" else 6)
        [file] = [place for place in map(Path, status["places"]) if place.suffix == ".png"]
        with Image.open(file) as picture:
            assert picture.size == (512, 512)
            assert np.asarray(picture).std(axis=(0, 1)).mean() > 10, "there is nothing to see in it"
