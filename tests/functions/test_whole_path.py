"""From a user's request to a picture that its owner can fetch, through every real part there is.

queue-job, its row, the list in Redis over Upstash's REST, a worker that holds no key to the storage,
sign-upload, the storage server, job-callback, and the row again.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import av
import httpx
import pytest
from PIL import Image

from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily
from tests.functions.deployment import Deployment, User
from tests.site import until


def work(deployed: Deployment, family: str) -> None:
    """A worker with one model makes what waits for it, and ends."""
    worker = [sys.executable, "-P", "-m", "ourvidz", "run-worker", "--plugin", family, "--burst", "--json"]
    environment = {**os.environ, **deployed.worker_environment(), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        worker, cwd=deployed.folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def asked(deployed: Deployment, user: User, request: Mapping[str, object]) -> str:
    answer = deployed.call("queue-job", {"prompt": "a harbour", **request}, user.token)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["jobId"]
    return found


def status(deployed: Deployment, job: str) -> str:
    row = deployed.row(job)
    assert row is not None
    found: str = row["status"]
    return found


def stop(deployed: Deployment, user: User, job: str) -> httpx.Response:
    return deployed.call("cancel-job", {"job_id": job}, user.token)


def objects(deployed: Deployment, bucket: str, folder: str) -> list[dict[str, object]]:
    """What lies in a folder of a bucket."""
    answer = httpx.post(
        f"{deployed.platform.url}/storage/v1/object/list/{bucket}",
        headers=deployed.platform.headers,
        json={"prefix": folder, "limit": 100, "offset": 0},
        trust_env=False,
    )
    found: list[dict[str, object]] = answer.raise_for_status().json()
    return found


def asset(deployed: Deployment, job: str) -> dict[str, str]:
    """What was made, as the row says."""
    row = deployed.row(job)
    assert row is not None
    assert (row["status"], row["error_message"]) == ("completed", None)
    assert row["completed_at"] is not None
    (made,) = row["result"]["assets"]
    assert not made["path"].startswith(made["bucket"])
    found: dict[str, str] = made
    return found


@pytest.mark.parametrize(
    ("job_type", "mime", "start"),
    [("placeholder_worked", "image/png", b"\x89PNG"), ("placeholder_video", "video/mp4", b"ftyp")],
)
def test_what_was_asked_for_is_there_for_its_owner_alone(
    deployed: Deployment, user: User, stranger: User, job_type: str, mime: str, start: bytes
) -> None:
    job = asked(deployed, user, {"job_type": job_type})
    work(deployed, "placeholder")
    made = asset(deployed, job)
    assert made["mime"] == mime
    fetched = deployed.fetch(user, made["bucket"], made["path"])
    assert fetched.status_code == 200
    assert start in fetched.content[:16]
    assert not deployed.fetch(stranger, made["bucket"], made["path"]).is_success
    assert not deployed.fetch(None, made["bucket"], made["path"]).is_success
    assert objects(deployed, made["bucket"], f"{user.id}/{job}")


def test_a_job_that_runs_is_stopped_by_its_user_and_leaves_no_picture(
    deployed: Deployment, user: User
) -> None:
    slow = {"job_type": "placeholder_worked", "params": {"steps": 1000, "step_time": 0.05}}
    job = asked(deployed, user, slow)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work, deployed, "placeholder")
        until(lambda: status(deployed, job) == "processing" or working.done())
        answer = stop(deployed, user, job)
        assert (answer.status_code, answer.json()) == (200, {"jobId": job, "status": "processing"})
        # Its last step would come in most of a minute.
        working.result(timeout=30)
    row = deployed.row(job)
    assert row is not None
    assert (row["status"], row["result"], row["attempts"]) == ("cancelled", None, 1)
    assert row["completed_at"] is not None
    assert stop(deployed, user, job).json()["status"] == "cancelled"
    assert not objects(deployed, "placeholder_fast", f"{user.id}/{job}")


def test_a_real_checkpoint_paints_and_repaints(deployed: Deployment, user: User, stranger: User) -> None:
    checkpoint = deployed.folder / "checkpoints" / "sdxl"
    if not checkpoint.exists():
        assert SdxlFamily().write_small_checkpoint(checkpoint, seed=0)
    place = f"{user.id}/harbour.png"
    picture = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(picture, "PNG")
    deployed.upload(user, place, picture.getvalue()).raise_for_status()
    painted = asked(deployed, user, {"job_type": "sdxl_fast"})
    inputs = {"init_image": f"init_images/{place}"}
    repainted = asked(deployed, user, {"job_type": "sdxl_from_a_picture", "inputs": inputs})
    work(deployed, "sdxl")
    for job in (painted, repainted):
        made = asset(deployed, job)
        with Image.open(io.BytesIO(deployed.fetch(user, made["bucket"], made["path"]).content)) as image:
            assert image.size == (64, 64)
        assert not deployed.fetch(stranger, made["bucket"], made["path"]).is_success


def test_a_real_checkpoint_makes_a_video(deployed: Deployment, user: User, stranger: User) -> None:
    checkpoint = deployed.folder / "checkpoints" / "wan"
    if not checkpoint.exists():
        assert WanFamily().write_small_checkpoint(checkpoint, seed=0)
    job = asked(deployed, user, {"job_type": "wan_video"})
    work(deployed, "wan")
    made = asset(deployed, job)
    fetched = deployed.fetch(user, made["bucket"], made["path"])
    with av.open(io.BytesIO(fetched.content), mode="r") as video:
        sizes = [(frame.width, frame.height) for frame in video.decode(video=0)]
    assert sizes == [(64, 48)] * 9
    assert not deployed.fetch(stranger, made["bucket"], made["path"]).is_success
