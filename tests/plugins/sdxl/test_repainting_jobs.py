"""Image to image as its users have it: a picture goes in by the command line, and a picture comes out."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.plugins.init_images.files import SIGNATURE, chunk, exif, header, landscape, saved
from tests.site import REPOSITORY, Site, site

__all__ = ["site"]

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

#: Both SDXL job types of the repository, at an eighth of their size.
SETTINGS = """\
models:
  sdxl: {family: sdxl, location: small}
workers:
  sdxl: {device: cpu, profile: tiny}
profiles:
  tiny: {scale: 0.125, steps: 0.2}
"""


@pytest.fixture
def studio(site: Site, checkpoint: Path) -> Site:
    for name in ("sdxl_image_fast", "sdxl_img2img", "image_fast"):
        shutil.copy(REPOSITORY / f"jobtypes/{name}.yaml", site.root / "jobtypes")
    (site.root / "jobtypes/placeholder_fast.yaml").unlink()
    (site.root / "ourvidz.yaml").write_text(SETTINGS)
    (site.root / "small").symlink_to(checkpoint)
    return site


@pytest.fixture
def client(studio: Site) -> Iterator[Client]:
    with Client.open(studio.project()) as client:
        yield client


@pytest.fixture
def worker(studio: Site) -> Iterator[Worker]:
    with Worker(studio.project(), "sdxl") as worker:
        yield worker


def test_a_picture_goes_in_by_the_command_line_and_a_picture_comes_out(studio: Site) -> None:
    data = saved(landscape(300, 200), "JPEG", exif=exif(6))
    (studio.root / "photo.jpg").write_bytes(data)
    studio.start("run-worker", "--plugin", "sdxl", "--once", stdout=-3)
    run = studio.ourvidz(
        *("submit", "sdxl_img2img", "--image", "photo.jpg", "--prompt", "a lighthouse in snow"),
        *("--set", "strength=0.6", "--seed", "7", "--wait", "--json"),
    )
    assert (run.returncode, run.stderr) == (0, "")
    status = json.loads(run.stdout)
    assert status["status"] == "completed"
    made = status["result"]["parameters"]
    assert made["resolution"] == "128x128"
    assert (made["steps"], made["strength"], made["steps_run"]) == (4, 0.6, 2)
    assert made["init_image"] == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "type": "image/jpeg",
        "size": "200x300",
        "fit": "crop",
    }
    kept = studio.root / f"data/storage/init_images/{LOCAL_USER}/{status['jobId']}/init_image.jpg"
    assert kept.read_bytes() == data


def make(client: Client, worker: Worker, job_type: str, **request: Any) -> Any:
    job_id = client.submit(job_type, prompt="a lighthouse at dusk", seed=7, **request)
    assert worker.run(burst=True) == 1
    return client.status(job_id)


def test_a_result_of_ones_own_is_a_picture_to_start_from(client: Client, worker: Worker) -> None:
    first = make(client, worker, "sdxl_image_fast").result.assets[0]
    second = make(client, worker, "sdxl_img2img", inputs={"init_image": f"{first.bucket}/{first.path}"})
    assert second.status == "completed"
    assert second.result.parameters["init_image"]["sha256"] == first.sha256
    assert second.result.assets[0].sha256 != first.sha256


def test_where_a_picture_is_accepted_both_ways_are_open(studio: Site, client: Client) -> None:
    text = (REPOSITORY / "jobtypes/sdxl_img2img.yaml").read_text()
    studio.spec("both", text.replace("requires: init_image_upload", "accepts: init_image"))
    landscape(90, 90).save(studio.root / "photo.png")
    with Client.open(studio.project()) as client, Worker(studio.project(), "sdxl") as worker:
        painted = make(client, worker, "both").result.parameters
        repainted = make(client, worker, "both", image=studio.root / "photo.png").result.parameters
    assert {"strength", "init_image", "steps_run"} & set(painted) == set()
    assert (repainted["strength"], repainted["steps_run"]) == (0.75, 3)


BOMB = SIGNATURE + header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
TOO_MUCH = SIGNATURE + header(64, 64) + chunk(b"IDAT", zlib.compress(bytes(2**24))) + chunk(b"IEND", b"")

BAD = {
    "empty": (b"", "found an empty file"),
    "page": (b"<!doctype html><title>404</title>", "found an HTML page"),
    "gif": (saved(landscape(64, 64), "GIF"), "found a GIF"),
    "bomb": (BOMB, "60000x60000 are 3600000000 pixels"),
    "too_much": (TOO_MUCH, "inflates to more than the 12352 bytes"),
    "cut_png": (saved(landscape(64, 64), "PNG")[:-30], "the PNG is cut off"),
    "cut_jpeg": (saved(landscape(64, 64), "JPEG")[:-200], "the JPEG is damaged"),
    "cut_webp": (saved(landscape(64, 64), "WEBP")[:-30], "the WebP is damaged"),
}


def test_bad_pictures_fail_once_and_the_worker_goes_on(studio: Site, client: Client, worker: Worker) -> None:
    folder = studio.root / f"data/storage/init_images/{LOCAL_USER}"
    folder.mkdir(parents=True)
    for name, (content, _) in BAD.items():
        (folder / f"{name}.png").write_bytes(content)
    landscape(64, 64).save(folder / "sound.png")
    keys = {name: f"init_images/{LOCAL_USER}/{name}.png" for name in (*BAD, "lost", "sound")}
    jobs = {
        name: client.submit("sdxl_img2img", prompt="a barn", inputs={"init_image": key})
        for name, key in keys.items()
    }
    assert worker.run(burst=True) == len(jobs)
    for name, (_, message) in BAD.items():
        status = client.status(jobs[name])
        assert (status.status, status.attempt) == ("failed", 1)
        assert status.error is not None
        assert status.error.code == "input_invalid"
        assert status.error.message.startswith("inputs.init_image: ")
        assert message in status.error.message
    lost = client.status(jobs["lost"]).error
    assert lost is not None
    assert lost.code == "input_refused"
    assert client.status(jobs["sound"]).status == "completed"
