"""One deployment for all tests of a process. Every test has users of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.functions.deployment import Deployment, User, deployment
from tests.site import REPOSITORY, forget_environment

SETTINGS = f"""\
plugins: ["{REPOSITORY / "plugins"}"]
review:
  outputs: elsewhere
models:
  sdxl:
    family: sdxl
    location: checkpoints/sdxl
  wan:
    family: wan
    location: checkpoints/wan
"""

PICTURE = """\
worker: PLACEHOLDER
queue: {queue}
content_type: image
resolution: 64x48
steps: 4
guidance: 6.0
expected_time: 2s
storage_bucket: placeholder_fast
quality_tier: fast
params:
  steps: {{min: 1, max: 1000}}
  step_time: {{min: 0, max: 1}}
"""

VIDEO = """\
worker: PLACEHOLDER
queue: worked_queue
content_type: video
resolution: 64x48
duration: 0.5s
fps: 16
steps: 2
guidance: 6.0
expected_time: 2s
storage_bucket: placeholder_video
quality_tier: fast
"""

#: Pictures from a real, if tiny, checkpoint.
REAL = """\
worker: SDXL
queue: sdxl_queue
content_type: image
resolution: 64x64
steps: 4
guidance: 6.0
expected_time: 5s
storage_bucket: sdxl_fast
quality_tier: fast
"""

FROM_A_PICTURE = REAL.replace("sdxl_fast", "sdxl_img2img") + "strength: 0.75\nrequires: init_image_upload\n"

REAL_VIDEO = (
    VIDEO.replace("PLACEHOLDER", "WAN")
    .replace("worked_queue", "wan_queue")
    .replace("placeholder_video", "wan_video")
)

#: Nobody works on ``placeholder_queue``, so that its jobs wait.
JOB_TYPES = {
    "placeholder_fast": PICTURE.format(queue="placeholder_queue"),
    "placeholder_two_wait": PICTURE.format(queue="placeholder_queue") + "limits: {waiting: 2}\n",
    "placeholder_two_a_minute": PICTURE.format(queue="placeholder_queue") + "limits: {per_minute: 2}\n",
    "placeholder_worked": PICTURE.format(queue="worked_queue"),
    "placeholder_video": VIDEO,
    "sdxl_fast": REAL,
    "sdxl_from_a_picture": FROM_A_PICTURE,
    "wan_video": REAL_VIDEO,
}


@pytest.fixture(scope="session")
def running_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    (folder / "jobtypes").mkdir()
    for name, text in JOB_TYPES.items():
        (folder / "jobtypes" / f"{name}.yaml").write_text(text)
    (folder / "ourvidz.yaml").write_text(SETTINGS)
    with deployment(folder) as running:
        yield running


@pytest.fixture
def deployed(running_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """With empty queues."""
    forget_environment(monkeypatch)
    with running_deployment.redis.client() as client:
        client.flushall()
    return running_deployment


@pytest.fixture
def user(deployed: Deployment) -> User:
    return deployed.sign_up()


@pytest.fixture
def stranger(deployed: Deployment) -> User:
    return deployed.sign_up()
