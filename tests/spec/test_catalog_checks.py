"""The catalog: what files, settings and families say fits together, or there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.spec.checks import build_catalog
from ourvidz.spec.loading import read_sources
from ourvidz.spec.problems import Finding, SpecInvalid
from tests.spec.conftest import FAMILIES, Write, build, only_problem, problems


def film(**changed: str | None) -> dict[str, str | None]:
    """Fields of a video, for ``write``."""
    video = {"worker": "FILM", "queue": "film_queue", "content_type": "video", "storage_bucket": "films"}
    return {**video, "duration": "5s", **changed}


@pytest.mark.parametrize(
    ("changed", "position", "code"),
    [
        ({"worker": "PIANT"}, (1, 9), "unknown_worker"),
        ({"model": "oil"}, (10, 8), "unknown_model"),
        ({"resolution": "100x64"}, (4, 13), "size_unsupported"),
        ({"frames": "81"}, (10, 9), "video_only"),
        ({"duration": "5s"}, (10, 11), "video_only"),
        ({"fps": "16"}, (10, 6), "video_only"),
        ({"strength": "0.5"}, (10, 11), "strength_without_image"),
        ({"params": "{strength: {min: 0.1, max: 0.5}}"}, (10, 20), "strength_without_image"),
        ({"strength": "0.05", "requires": "init_image_upload"}, (10, 11), "no_steps_left"),
        ({"params": "{steps: {min: 20, max: 10}}"}, (10, 32), "bad_bounds"),
        ({"params": "{steps: {min: 20}}"}, (10, 17), "own_value_out_of_bounds"),
        ({"params": "{steps: {choices: [10, 20]}}"}, (10, 17), "own_value_out_of_bounds"),
        ({"params": "{steps: {min: 1, choices: [15]}}"}, (10, 17), "bad_bounds"),
        ({"fallback": "x"}, (10, 11), "fallback_loop"),
        ({"fallback": "nowhere"}, (10, 11), "unknown_fallback"),
        ({"storage_bucket": "video_fast"}, (8, 17), "bucket_conflict"),
        ({"storage_bucket": "init_images"}, (8, 17), "bucket_of_inputs"),
        ({"init_image": "{fit: pad}"}, (10, 13), "init_image_unused"),
        (film(duration=None), (1, 1), "length_missing"),
        (film(frames="82"), (11, 9), "frames_unsupported"),
    ],
)
def test_a_job_type_that_cannot_be_made_is_refused(
    write: Write, changed: dict[str, str], position: tuple[int, int], code: str
) -> None:
    write("x.yaml", **changed)
    problem = only_problem()
    assert (problem.file, (problem.line, problem.column), problem.code) == ("jobtypes/x.yaml", position, code)


def test_a_worker_without_a_plugin_is_told_how_to_get_one(write: Write) -> None:
    write("x.yaml", worker="PIANT")
    assert only_problem().expected == (
        "a family that a plugin offers, installed or by --plugin-dir; did you mean paint?"
    )


def test_names_that_lead_nowhere_are_told_beside_the_fields_problems(write: Write) -> None:
    write("x.yaml", worker="PIANT", steps="0", fallback="nowhere")
    assert [problem.code for problem in problems()] == ["unknown_worker", "out_of_range", "unknown_fallback"]


def test_one_place_has_one_problem(write: Write) -> None:
    write("x.yaml", worker="'2 PIANTS'", fallback="Nowhere")
    assert [(problem.line, problem.code) for problem in problems()] == [(1, "bad_value"), (10, "bad_value")]


def test_the_resolution_and_own_values_count_as_choices(write: Write) -> None:
    write("x.yaml", params="{resolution: {choices: [64x64, 64x96]}, steps: {choices: [15, 30]}}")
    assert build()["x"].params["resolution"].choices == ("64x64", "64x96")


def test_a_model_of_another_family_is_refused(write: Write) -> None:
    write("x.yaml", model="reel")
    Path("ourvidz.yaml").write_text("models: {reel: {family: film, location: reel}}\n")
    problem = only_problem(Path("ourvidz.yaml"))
    assert (problem.file, problem.code) == ("jobtypes/x.yaml", "model_of_another_family")


def test_the_models_legal_sizes_are_the_familys_business(write: Write) -> None:
    write("x.yaml")
    Path("ourvidz.yaml").write_text("models: {paint: {family: paint, location: x, sizes: [128x128]}}\n")
    assert only_problem(Path("ourvidz.yaml")).code == "size_unsupported"


def test_a_fallback_loop_is_named_from_each_of_its_members(write: Write) -> None:
    write("a.yaml", fallback="b")
    write("b.yaml", fallback="c")
    write("c.yaml", fallback="a")
    write("d.yaml", fallback="a")
    assert [(one.file, one.found) for one in problems()] == [
        ("jobtypes/a.yaml", "a → b → c → a"),
        ("jobtypes/b.yaml", "b → c → a → b"),
        ("jobtypes/c.yaml", "c → a → b → c"),
    ]


@pytest.mark.parametrize(
    ("fallback", "code"),
    [
        (film(), "fallback_content_type"),
        ({"status": "retired"}, "fallback_takes_no_jobs"),
        ({"status": "planned"}, "fallback_takes_no_jobs"),
        ({"requires": "init_image_upload", "strength": "0.5"}, "fallback_needs_input"),
        ({"batch": "1"}, "fallback_lacks_batch"),
    ],
)
def test_a_fallback_that_cannot_stand_in_is_refused(
    write: Write, fallback: dict[str, str], code: str
) -> None:
    write("main.yaml", fallback="spare")
    write("spare.yaml", **fallback)
    assert (only_problem().file, only_problem().code) == ("jobtypes/main.yaml", code)


def test_a_fallback_makes_as_many_images_as_were_asked_for(write: Write) -> None:
    write("main.yaml", fallback="spare", batch="[1, 2, 6]")
    write("spare.yaml", batch="[1, 4]")
    problem = only_problem()
    assert (problem.found, problem.expected) == (
        "spare, which offers no batch of 2 or 6",
        "one with every batch of main: 1, 2, 6",
    )
    write("spare.yaml", batch="[1, 2, 4, 6]")
    assert build()["main"].fallback == "spare"


def test_a_retired_job_type_may_keep_a_retired_fallback(write: Write) -> None:
    write("main.yaml", fallback="spare", status="retired")
    write("spare.yaml", status="retired")
    assert list(build().job_types) == ["main", "spare"]


def test_a_fallback_with_problems_of_its_own_is_not_unknown(write: Write) -> None:
    write("main.yaml", fallback="spare")
    write("spare.yaml", steps="0")
    assert only_problem().file == "jobtypes/spare.yaml"


def test_two_job_types_that_disagree_about_one_bucket_are_refused(write: Write) -> None:
    write("a.yaml")
    write("b.yaml", **film(storage_bucket="sketches"))
    problem = only_problem()
    assert (problem.file, problem.line, problem.code) == ("jobtypes/b.yaml", 8, "bucket_conflict")
    assert problem.found == "sketches, in which a stores images"


def test_a_bucket_that_lists_both_types_takes_both(write: Write) -> None:
    write("a.yaml")
    write("b.yaml", **film(storage_bucket="sketches"))
    Path("ourvidz.yaml").write_text("buckets: {sketches: {file_types: [image/png, video/mp4]}}\n")
    assert build(Path("ourvidz.yaml")).buckets["sketches"].file_types == (
        "image/png",
        "video/mp4",
        "image/webp",
    )


def test_a_queue_has_one_worker(write: Write) -> None:
    write("a.yaml")
    write("b.yaml", **film(queue="paint_queue"))
    assert (only_problem().file, only_problem().code) == ("jobtypes/b.yaml", "queue_of_two_workers")


def test_a_queue_that_is_replaced_is_not_filled(write: Write) -> None:
    write("a.yaml", queue="job_queue")
    write("b.yaml", **film(queue="wan_queue"))
    problem = only_problem()
    assert (problem.file, problem.found) == ("jobtypes/a.yaml", "job_queue, which wan_queue replaces")


def test_two_queues_do_not_replace_the_same_one(write: Write) -> None:
    write("a.yaml")
    write("b.yaml", **film())
    Path("ourvidz.yaml").write_text(
        "queues:\n  film_queue: {replaces: old}\n  paint_queue: {replaces: old}\n"
    )
    problem = only_problem(Path("ourvidz.yaml"))
    assert (problem.file, problem.line, problem.code) == ("ourvidz.yaml", 3, "queue_replaced")


def test_further_checks_have_their_say(write: Write, folder: Path) -> None:
    write("x.yaml", **film())
    finding = Finding(("duration",), "too_long", "5 s", "less")
    with pytest.raises(SpecInvalid) as caught:
        build_catalog(read_sources(folder, None), FAMILIES, [lambda _: [finding]])
    assert str(caught.value) == "jobtypes/x.yaml:10:11: duration: found 5 s, expected less"


def test_the_catalog_is_sorted_whatever_the_files_are_called(write: Write) -> None:
    for name in ("zebra", "ant", "mole"):
        write(f"{name}.yaml", storage_bucket=f"bucket_{name}")
    assert list(build().job_types) == ["ant", "mole", "zebra"]
    assert list(build().buckets) == ["bucket_ant", "bucket_mole", "bucket_zebra"]
