"""The routing tables against the plan, and which job type stands in which of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.export.routing import as_json, as_typescript, routing, time_label
from ourvidz.project import Project
from ourvidz.spec.catalog import Catalog
from tests.export.catalogs import PHASE_1, PHASE_2, catalog, job_type

REPOSITORY = Path(__file__).parent.parent.parent

QUEUE_ROUTING = {
    "sdxl_image_fast": "sdxl_queue",
    "sdxl_image_high": "sdxl_queue",
    "image_fast": "wan_queue",
    "image_high": "wan_queue",
    "video_fast": "wan_queue",
    "video_high": "wan_queue",
}
PHASE_2_ROUTING = {"sdxl_image_premium": "sdxl_queue", "sdxl_img2img": "sdxl_queue"}
STORAGE_BUCKET_MAPPING = {
    "sdxl_image_fast": "sdxl_fast",
    "sdxl_image_high": "sdxl_high",
    "image_fast": "image_fast",
    "image_high": "image_high",
    "video_fast": "video_fast",
    "video_high": "video_high",
}
COMPLETION_TIMES = {
    "sdxl_image_fast": 5,
    "sdxl_image_high": 8,
    "image_fast": 73,
    "image_high": 90,
    "video_fast": 180,
    "video_high": 280,
}
JOB_TYPES = [
    {"id": "sdxl_image_fast", "name": "SDXL Fast", "time": "~5s", "badge": "ULTRA FAST"},
    {"id": "sdxl_image_high", "name": "SDXL High", "time": "~8s", "badge": "HIGH QUALITY"},
    {"id": "image_fast", "name": "WAN Fast", "time": "~73s", "badge": "BACKUP"},
    {"id": "image_high", "name": "WAN High", "time": "~90s", "badge": "BACKUP"},
    {"id": "video_fast", "name": "Video Fast", "time": "~3min", "badge": "VIDEO"},
    {"id": "video_high", "name": "Video High", "time": "~5min", "badge": "HD VIDEO"},
]
FALLBACK_STRATEGIES = {
    "sdxl_image_fast": "image_fast",
    "sdxl_image_high": "image_high",
    "sdxl_image_premium": "image_high",
    "sdxl_img2img": None,
}
WORKER_TYPES = {
    "sdxl_image_fast": "SDXL",
    "sdxl_image_high": "SDXL",
    "image_fast": "WAN",
    "image_high": "WAN",
    "video_fast": "WAN",
    "video_high": "WAN",
}


@pytest.fixture(params=["plan", "shipped"])
def eight(request: pytest.FixtureRequest) -> Catalog:
    """The plan's eight job types: built from its values, and read from the repository's files."""
    if request.param == "plan":
        return catalog(*PHASE_1, *PHASE_2)
    return Project.open(jobtypes=REPOSITORY / "jobtypes").catalog


@pytest.fixture
def six(eight: Catalog) -> Catalog:
    """Those of phase 1."""
    return catalog(*(one for one in eight.job_types.values() if one.phase == 1))


def test_the_six_job_types_of_phase_1_give_the_plans_tables_exactly(six: Catalog) -> None:
    tables = routing(six)
    assert tables["QUEUE_ROUTING"] == QUEUE_ROUTING
    assert tables["PHASE_2_ROUTING"] == {}
    assert tables["STORAGE_BUCKET_MAPPING"] == STORAGE_BUCKET_MAPPING
    assert tables["COMPLETION_TIMES"] == COMPLETION_TIMES
    assert tables["JOB_TYPES"] == JOB_TYPES
    assert tables["WORKER_TYPES"] == WORKER_TYPES


def test_every_table_keeps_the_plans_order(six: Catalog) -> None:
    tables = routing(six)
    assert list(tables["QUEUE_ROUTING"]) == list(QUEUE_ROUTING)
    assert list(tables["STORAGE_BUCKET_MAPPING"]) == list(STORAGE_BUCKET_MAPPING)
    assert list(tables["COMPLETION_TIMES"]) == list(COMPLETION_TIMES)
    assert list(tables["WORKER_TYPES"]) == list(WORKER_TYPES)


def test_phase_2_moves_a_job_type_to_its_own_routing_table_and_to_no_other(eight: Catalog) -> None:
    tables = routing(eight)
    assert tables["QUEUE_ROUTING"] == QUEUE_ROUTING
    assert tables["PHASE_2_ROUTING"] == PHASE_2_ROUTING
    assert tables["STORAGE_BUCKET_MAPPING"] == STORAGE_BUCKET_MAPPING | {
        "sdxl_image_premium": "sdxl_premium",
        "sdxl_img2img": "sdxl_img2img",
    }
    assert tables["COMPLETION_TIMES"] == COMPLETION_TIMES | {"sdxl_image_premium": 12, "sdxl_img2img": 6}
    assert tables["WORKER_TYPES"] == WORKER_TYPES | dict.fromkeys(PHASE_2_ROUTING, "SDXL")
    offered = [entry["id"] for entry in tables["JOB_TYPES"]]
    assert offered[:4] == ["sdxl_image_fast", "sdxl_img2img", "sdxl_image_high", "sdxl_image_premium"]


def test_a_job_type_without_a_fallback_has_null(eight: Catalog) -> None:
    wan = dict.fromkeys(("image_fast", "image_high", "video_fast", "video_high"))
    assert routing(eight)["FALLBACK_STRATEGIES"] == FALLBACK_STRATEGIES | wan


@pytest.mark.parametrize("phase", [1, 2])
def test_a_retired_job_type_takes_no_jobs_but_its_old_ones_can_still_be_shown(phase: int) -> None:
    retired = job_type("sketch", status="retired", phase=phase, worker="OLD", storage_bucket="sketches")
    tables = routing(catalog(job_type("painting"), retired))
    assert "sketch" not in tables["QUEUE_ROUTING"] | tables["PHASE_2_ROUTING"]
    assert [entry["id"] for entry in tables["JOB_TYPES"]] == ["painting"]
    assert tables["STORAGE_BUCKET_MAPPING"]["sketch"] == "sketches"
    assert tables["COMPLETION_TIMES"]["sketch"] == 5
    assert tables["FALLBACK_STRATEGIES"]["sketch"] is None
    assert tables["WORKER_TYPES"]["sketch"] == "OLD"


def test_a_planned_job_type_stands_nowhere() -> None:
    painting = job_type("painting")
    with_planned = catalog(painting, job_type("mural", status="planned", worker="NEW", phase=2))
    without = routing(catalog(painting))
    assert routing(with_planned) | {"CATALOG_DIGEST": ""} == without | {"CATALOG_DIGEST": ""}


def test_job_types_of_equal_time_stand_by_id() -> None:
    tables = routing(catalog(job_type("b"), job_type("c"), job_type("a"), job_type("z", expected_time="4s")))
    assert list(tables["QUEUE_ROUTING"]) == ["z", "a", "b", "c"]


def test_without_a_display_the_id_and_the_quality_tier_are_shown() -> None:
    tables = routing(catalog(job_type("painting", quality_tier="premium")))
    assert tables["JOB_TYPES"] == [{"id": "painting", "name": "painting", "time": "~5s", "badge": "PREMIUM"}]


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (0.2, "~1s"),
        (3.6, "~4s"),
        (5.0, "~5s"),
        (90.0, "~90s"),
        (119.4, "~119s"),
        (119.5, "~2min"),
        (120.0, "~2min"),
        (149.0, "~2min"),
        (150.0, "~3min"),
        (280.0, "~5min"),
        (7200.0, "~120min"),
    ],
)
def test_expected_times_are_shown_in_seconds_up_to_two_minutes_and_then_in_whole_minutes(
    seconds: float, label: str
) -> None:
    assert time_label(seconds) == label


def test_a_fraction_of_a_second_stays_in_the_completion_times() -> None:
    times = routing(catalog(job_type("a", expected_time="3.6s"), job_type("b", expected_time="250ms")))
    assert times["COMPLETION_TIMES"] == {"b": 0.25, "a": 3.6}


@pytest.mark.parametrize("render", [as_typescript, as_json])
def test_the_same_job_types_in_any_order_give_the_same_bytes(render: Callable[[Catalog], str]) -> None:
    job_types = [*PHASE_1, *PHASE_2]
    texts = set()
    for seed in range(5):
        random.Random(seed).shuffle(job_types)
        texts.add(render(catalog(*job_types)))
    assert len(texts) == 1
