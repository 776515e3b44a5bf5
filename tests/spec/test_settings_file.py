"""``ourvidz.yaml``: problems point into it, and what it leaves open has defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.spec.job_type import JobType
from ourvidz.spec.units import Resolution
from tests.spec.conftest import Write, build, only_problem

SETTINGS = Path("ourvidz.yaml")


@pytest.fixture(autouse=True)
def job_type(write: Write) -> None:
    write("poster.yaml")


def settings(text: str) -> Path:
    SETTINGS.write_text(text)
    return SETTINGS


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("model: {}\n", (1, 1), "unknown_key"),
        ("models: {paint: {family: paint}}\n", (1, 10), "missing_key"),
        ("models: {Paint: {family: paint, location: x}}\n", (1, 10), "bad_name"),
        ("models: {other: {family: piant, location: x}}\n", (1, 26), "unknown_worker"),
        ("queues: {Q: {}}\n", (1, 10), "bad_name"),
        ("queues: {q: {polling_interval: 2}}\n", (1, 32), "bad_value"),
        ("queues: {q: {push: up}}\n", (1, 20), "unknown_choice"),
        ("buckets: {B-1: {}}\n", (1, 11), "bad_name"),
        ("buckets: {b: {max_size: 20 Mb}}\n", (1, 25), "bad_value"),
        ("buckets:\n  b:\n", (2, 3), "empty_value"),
        ("workers: {piant: {}}\n", (1, 11), "unknown_worker"),
        ("workers: {paint: {profile: smal}}\nprofiles: {small: {scale: 0.5}}\n", (1, 28), "unknown_profile"),
        ("workers: {paint: {device: tpu}}\n", (1, 27), "bad_value"),
        ("on_failure: retry\n", (1, 13), "unknown_choice"),
        ("- models\n", (1, 1), "not_a_mapping"),
    ],
)
def test_a_problem_points_into_the_settings(text: str, position: tuple[int, int], code: str) -> None:
    problem = only_problem(settings(text))
    assert (problem.file, (problem.line, problem.column), problem.code) == ("ourvidz.yaml", position, code)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "models:\nqueues:\n  # sdxl_queue: {}\n"])
def test_settings_that_say_nothing_set_nothing(text: str) -> None:
    assert build(settings(text)) == build(None)


def test_a_name_never_seen_before_has_sensible_defaults() -> None:
    catalog = build(None)
    assert catalog.queues["paint_queue"].polling_interval == 2.0
    assert catalog.queues["paint_queue"].push == "left"
    assert catalog.buckets["sketches"].privacy == "private"
    assert catalog.buckets["sketches"].max_size is None
    assert catalog.models["paint"].location == "checkpoints/paint"


def test_the_plans_queues_and_buckets_need_no_settings(write: Write) -> None:
    write("poster.yaml", queue="sdxl_queue", storage_bucket="sdxl_high")
    write("film.yaml", worker="FILM", queue="wan_queue", storage_bucket="sdxl_fast")
    catalog = build(None)
    assert catalog.queues["sdxl_queue"].polling_interval == 2.0
    assert catalog.queues["wan_queue"].polling_interval == 5.0
    assert catalog.queues["wan_queue"].replaces == "job_queue"
    assert catalog.buckets["sdxl_fast"].max_size == 20 * 2**20
    assert catalog.buckets["sdxl_high"].max_size == 30 * 2**20


def test_an_entry_keeps_the_plans_values_that_it_does_not_speak_of(write: Write) -> None:
    write("poster.yaml", queue="wan_queue", storage_bucket="sdxl_fast")
    catalog = build(settings("queues: {wan_queue: {push: right}}\nbuckets: {sdxl_fast: {privacy: public}}\n"))
    assert catalog.queues["wan_queue"].push == "right"
    assert catalog.queues["wan_queue"].replaces == "job_queue"
    assert catalog.buckets["sdxl_fast"].max_size == 20 * 2**20


@pytest.mark.parametrize(
    ("thumbnail", "types"), [("256", ("image/png", "image/webp")), ("0", ("image/png",))]
)
def test_a_bucket_takes_thumbnails_where_a_job_type_makes_them(
    write: Write, thumbnail: str, types: tuple[str, ...]
) -> None:
    write("poster.yaml", thumbnail=thumbnail)
    assert build(None).buckets["sketches"].file_types == types


def test_users_pictures_have_a_bucket_where_a_job_type_takes_any(write: Write) -> None:
    write("poster.yaml")
    assert list(build(None).buckets) == ["sketches"]
    write("again.yaml", accepts="init_image", strength="0.5")
    bucket = build(None).buckets["init_images"]
    assert bucket.file_types == ("image/png", "image/jpeg", "image/webp")
    assert bucket.max_size == 20 * 2**20


def test_the_bucket_of_users_pictures_may_have_another_name_and_narrower_limits(write: Write) -> None:
    write("again.yaml", accepts="init_image", strength="0.5", storage_bucket="init_images")
    catalog = build(settings("input_bucket: uploads\nbuckets: {uploads: {file_types: [image/png]}}\n"))
    assert list(catalog.buckets) == ["init_images", "sketches", "uploads"]
    assert catalog.buckets["uploads"].file_types == ("image/png",)
    assert catalog.buckets["uploads"].max_size == 20 * 2**20


def test_the_settings_model_of_a_familys_name_replaces_its_own() -> None:
    catalog = build(settings("models: {paint: {family: paint, location: mine, sizes: [64x64, 96x64]}}\n"))
    assert catalog.models["paint"].location == "mine"
    assert catalog.models["paint"].sizes == (Resolution(64, 64), Resolution(96, 64))


def test_a_second_checkpoint_is_one_entry_and_one_file(write: Write) -> None:
    write("mural.yaml", model="oil")
    catalog = build(settings("models: {oil: {family: paint, location: oil}}\n"))
    mural: JobType = catalog["mural"]
    assert catalog.models[catalog.model_name(mural)].location == "oil"
    assert list(catalog.models) == ["oil", "paint"]
