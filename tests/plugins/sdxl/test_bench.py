"""SDXL measured: the small checkpoint, and random weights in a small build of the published shapes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ourvidz.plugins.sdxl import random_model
from ourvidz.project import Project
from ourvidz.runtime.bench.measuring import measure
from ourvidz.runtime.bench.plan import Plan
from tests.plugins.sdxl.test_random_model import TINY
from tests.site import forget_environment

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

SPEC = """\
worker: SDXL
queue: sdxl_queue
content_type: image
resolution: 128x64
steps: 2
guidance: 6.0
expected_time: 5s
storage_bucket: sdxl_fast
quality_tier: fast
"""

STAGES = {"text", "denoise", "decode", "encode", "store", "total"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    forget_environment(monkeypatch)
    (tmp_path / "jobtypes").mkdir()
    (tmp_path / "jobtypes/paint.yaml").write_text(SPEC)
    repaint = SPEC.replace("sdxl_fast", "sdxl_img2img")
    (tmp_path / "jobtypes/repaint.yaml").write_text(repaint + "strength: 0.5\nrequires: init_image_upload\n")
    (tmp_path / "ourvidz.yaml").write_text("workers:\n  sdxl:\n    device: cpu\n")
    return Project.open(jobtypes=tmp_path / "jobtypes", config=tmp_path / "ourvidz.yaml")


def plan(weights: str) -> Plan:
    return Plan(weights=weights, runs=1, warm_up=0, images=1, profile=None, device=None)


def test_a_checkpoint_is_measured_painting_and_repainting(project: Project, checkpoint: Path) -> None:
    chosen = plan(str(checkpoint))
    paint, repaint = measure(project, ["paint", "repaint"], chosen, lambda *_: None)
    assert set(paint.medians) >= STAGES
    assert set(repaint.medians) > set(paint.medians), "nobody measured what comes before the first step"
    assert paint.last.fingerprint == repaint.last.fingerprint
    assert paint.as_json()["parameters"]["resolution"] == "128x64"
    assert paint.weights == str(checkpoint)


def test_random_weights_are_measured_without_a_checkpoint(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = partial(random_model.load_random, settings=TINY)
    monkeypatch.setattr(random_model, "load_random", tiny)
    (paint,) = measure(project, ["paint"], plan("random"), lambda *_: None)
    assert set(paint.medians) >= STAGES
    assert paint.last.fingerprint["checkpoint"] == "random:0"
