"""Declared memory: summed, written out, and refused where a model could never have room."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry
from ourvidz.spec.vram import measure_room, written
from tests.spec.conftest import Write, build, only_problem

GB = 2**30

SETTINGS = """\
models:
  oil: {family: paint, location: oil, vram: 7GB}
  fresco: {family: paint, location: fresco, vram: 9GB}
workers:
  paint: {vram: ROOM}
"""


def settings(room: str) -> Path:
    path = Path("ourvidz.yaml")
    path.write_text(SETTINGS.replace("ROOM", room))
    return path


def job_type(**changes: object) -> JobType:
    plain = {
        "id": "sketch",
        "worker": "PAINT",
        "queue": "paint_queue",
        "content_type": "image",
        "resolution": "64x64",
        "steps": 15,
        "guidance": 6.0,
        "expected_time": "5s",
        "storage_bucket": "sketches",
        "quality_tier": "fast",
    }
    return JobType.model_validate(plain | changes)


def test_the_work_of_a_job_is_its_peak_less_its_model_with_all_images_of_its_largest_batch() -> None:
    models = {"oil": ModelEntry(family="paint", location="oil", vram=7 * GB)}
    default = ModelEntry(family="paint", location="paint", vram=5 * GB)
    own = job_type(model="oil", vram={"peak": "10GB", "per_image": "1GB"}, batch=[1, 4])
    light = job_type(id="light", vram={"peak": "6GB"})
    retired = job_type(id="old", model="oil", vram={"peak": "40GB"}, status="retired")
    silent = job_type(id="silent", model="oil")
    everything = {**models, "paint": default}
    room = measure_room(20 * GB, [light, own, retired, silent], everything, default)
    assert (room.work, room.heaviest) == (6 * GB, "sketch")
    assert room.sizes == {"oil": 7 * GB, "paint": 5 * GB}
    assert room.taken_with(["oil", "paint"]) == 18 * GB
    assert room.sum_of(["oil", "paint"]) == "oil 7GB + paint 5GB + work of sketch 6GB = 18GB"


def test_a_model_without_a_size_has_that_of_its_familys_own() -> None:
    default = ModelEntry(family="paint", location="paint", vram=5 * GB)
    bare = {"oil": ModelEntry(family="paint", location="oil")}
    assert measure_room(GB, [], bare, default).sizes == {"oil": 5 * GB}
    assert measure_room(GB, [], bare, bare["oil"]).sizes == {}


@pytest.mark.parametrize(
    ("size", "text"),
    [(7 * GB, "7GB"), (int(12.7 * GB), "12.7GB"), (GB + 1, "1.01GB"), (20 * 2**20, "20MB"), (1, "0.01MB")],
)
def test_sizes_are_rounded_up(size: int, text: str) -> None:
    assert written(size) == text


def test_a_model_that_never_has_room_is_refused_with_the_sum(write: Write) -> None:
    write("sketch.yaml", model="oil", vram="{peak: 10GB}")
    write("wall.yaml", model="fresco")
    problem = only_problem(settings("11.9GB"))
    assert (problem.code, problem.field, problem.line) == ("vram_exceeded", "workers.paint.vram", 5)
    assert problem.found == "11.9GB, with fresco 9GB + work of sketch 3GB = 12GB"
    assert problem.expected == "at least 12GB"


def test_models_that_have_room_one_by_one_are_enough(write: Write) -> None:
    write("sketch.yaml", model="oil", vram="{peak: 10GB}")
    write("wall.yaml", model="fresco")
    assert build(settings("12GB")).settings.workers["paint"].vram == 12 * GB


def test_models_that_no_active_job_type_names_need_no_room(write: Write) -> None:
    write("sketch.yaml", model="oil")
    write("wall.yaml", model="fresco", status="planned")
    assert build(settings("7GB"))


def test_a_size_that_nobody_declares_is_asked_for(write: Write) -> None:
    write("sketch.yaml")
    problem = only_problem(settings("7GB"))
    assert (problem.code, problem.field) == ("vram_unknown", "workers.paint.vram")
    assert problem.found == "7GB, and nobody says what paint takes of it"
    assert problem.expected == "vram in models: paint: as well"


def test_a_peak_that_leaves_its_model_out_is_refused(write: Write) -> None:
    write("sketch.yaml", model="oil", vram="{peak: 6GB}")
    problem = only_problem(settings("20GB"))
    assert (problem.code, problem.field) == ("vram_invalid", "vram.peak")
    assert problem.found == "6GB, with a model, oil, of 7GB"
