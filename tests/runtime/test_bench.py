"""Measuring job types: what is run, what is counted, and what is refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ourvidz.errors import OurvidzError
from ourvidz.jobs.results import Result
from ourvidz.plugins.family import ModelInvalid
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.runtime.bench.measurements import Measurement, Run, report, stages_in
from ourvidz.runtime.bench.measuring import measure
from ourvidz.runtime.bench.plan import Plan, RandomWeightsUnsupported
from ourvidz.runtime.failures import GenerationFailed
from ourvidz.runtime.worker import ProfileUnknown, find_profile
from ourvidz.spec.catalog import UnknownJobType
from tests.site import JOB_TYPE, SETTINGS, Site, site

__all__ = ["site"]


def plan(**changes: Any) -> Plan:
    values = {"weights": None, "runs": 1, "warm_up": 0, "images": 1, "profile": None, "device": None}
    return Plan(**values | changes)


def bench(site: Site, *ids: str, told: list[str] | None = None, **changes: Any) -> list[Measurement]:
    def tell(what: str, step: int, steps: int) -> None:
        if told is not None:
            told.append(f"{what} {step}/{steps}")

    return list(measure(site.project(), ids, plan(**changes), tell))


def test_every_run_has_its_own_seeds_and_warm_ups_do_not_count(site: Site) -> None:
    (measured,) = bench(site, "placeholder_fast", runs=3, warm_up=2, images=3)
    assert [run.seed for run in measured.warm_up] == [0, 3]
    assert [run.seed for run in measured.runs] == [6, 9, 12]
    assert [asset.seed for asset in measured.runs[0].result.assets] == [6, 7, 8]
    assert {"generate", "encode", "store", "total"} <= set(measured.medians)


def test_what_is_being_done_is_told_step_by_step(site: Site) -> None:
    told: list[str] = []
    bench(site, "placeholder_fast", told=told, runs=1, warm_up=1)
    assert told[0] == "loading placeholder 0/0"
    assert "placeholder_fast warm-up 1/1  paint 4/4" in told
    assert "placeholder_fast run 1/1  paint 4/4" in told


def test_job_types_of_one_model_share_its_loading(site: Site) -> None:
    site.spec("placeholder_slow", JOB_TYPE.replace("steps: 4", "steps: 5"))
    told: list[str] = []
    fast, slow = bench(site, "placeholder_fast", "placeholder_slow", told=told)
    assert sum(one.startswith("loading") for one in told) == 1
    assert [one.last.parameters["steps"] for one in (fast, slow)] == [4, 5]
    assert fast.load_seconds == slow.load_seconds


def test_a_model_is_loaded_once_whatever_is_named_between_its_job_types(site: Site) -> None:
    settings = SETTINGS + "models:\n  other: {family: placeholder, location: none}\n"
    (site.root / "ourvidz.yaml").write_text(settings)
    site.spec("placeholder_slow", JOB_TYPE.replace("steps: 4", "steps: 5"))
    site.spec("placeholder_other", JOB_TYPE + "model: other\n")
    told: list[str] = []
    measured = bench(site, "placeholder_fast", "placeholder_other", "placeholder_slow", told=told)
    assert [one for one in told if one.startswith("loading")] == [
        "loading placeholder 0/0",
        "loading other 0/0",
    ]
    assert [one.model for one in measured] == ["placeholder", "placeholder", "other"]


def test_without_a_number_a_job_makes_as_few_as_its_type_allows(site: Site) -> None:
    site.spec("placeholder_dozen", JOB_TYPE + "batch: [6, 3]\n")
    (measured,) = bench(site, "placeholder_dozen", images=None, warm_up=1)
    assert [asset.seed for asset in measured.last.assets] == [3, 4, 5]


def test_nothing_is_left_behind_and_no_queue_is_needed(site: Site) -> None:
    before = sorted(site.root.rglob("*"))
    bench(site, "placeholder_fast")
    assert sorted(site.root.rglob("*")) == before


def test_a_profile_counts_and_is_told(site: Site) -> None:
    (site.root / "ourvidz.yaml").write_text(SETTINGS + "profiles:\n  half: {scale: 0.5, steps: 0.5}\n")
    (measured,) = bench(site, "placeholder_fast", profile=find_profile(site.project(), "half"))
    described = measured.as_json()
    assert described["profile"] == "half"
    assert (described["parameters"]["resolution"], described["parameters"]["steps"]) == ("32x24", 2)
    with pytest.raises(ProfileUnknown, match="half"):
        find_profile(site.project(), "quarter")


@pytest.mark.parametrize(
    ("ids", "changes", "error", "says"),
    [
        (["placeholder_fast", "nonsense"], {}, UnknownJobType, "no job type 'nonsense'"),
        (
            ["placeholder_fast"],
            {"images": 2},
            ParameterRefused,
            "found 2 images a job, expected one of 1, 3, 6",
        ),
        (
            ["placeholder_fast"],
            {"weights": "random"},
            RandomWeightsUnsupported,
            "these families do: sdxl, wan",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_loaded(
    site: Site, ids: Sequence[str], changes: dict[str, Any], error: type[OurvidzError], says: str
) -> None:
    told: list[str] = []
    with pytest.raises(error, match=says):
        bench(site, *ids, told=told, **changes)
    assert told == []


def test_the_named_device_is_the_one_that_is_used(site: Site) -> None:
    with pytest.raises(ModelInvalid, match="found device 'cuda:7'"):
        bench(site, "placeholder_fast", device="cuda:7")


def test_an_error_that_is_not_ours_says_what_was_being_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("out of memory: tried 3 GiB\nand much more that nobody reads")

    project = site.project()
    monkeypatch.setattr(type(project.family("placeholder")), "load", burst)
    with pytest.raises(GenerationFailed) as failed:
        list(measure(project, ["placeholder_fast"], plan(), lambda *_: None))
    expected = "placeholder_fast: loading placeholder: RuntimeError: out of memory: tried 3 GiB"
    assert str(failed.value) == expected


def run(total: float, *, peak: int | None, **seconds: float) -> Run:
    result = Result(
        job_type="fast",
        effective_job_type="fast",
        spec_digest="sha256:" + "0" * 64,
        submitted_digest=None,
        attempt=1,
        assets=(),
        parameters={},
        fingerprint={},
        reviews={},
        seconds=seconds,
        peak_memory=peak,
    )
    return Run(seed=0, total=total, result=result)


def test_medians_are_of_each_stage_and_the_peak_is_of_all_runs() -> None:
    runs = [run(9.0, peak=5, text=1.0), run(2.0, peak=7, text=3.0), run(4.0, peak=6, text=2.0)]
    measured = Measurement(model="m", weights="random", load_seconds=1.0, warm_up=[], runs=runs)
    assert measured.medians == {"text": 2.0, "total": 4.0}
    assert measured.peak_memory == 7


def test_a_device_that_does_not_count_has_no_peak() -> None:
    runs = [run(1.0, peak=None), run(1.0, peak=None)]
    measured = Measurement(model="m", weights="random", load_seconds=1.0, warm_up=[], runs=runs)
    assert measured.peak_memory is None


def test_columns_stand_in_the_order_of_the_longest_job() -> None:
    short = dict.fromkeys(("text", "denoise", "load", "generate", "store", "total"), 1.0)
    long = dict.fromkeys(("text", "init_image", "denoise", "load", "generate", "store", "total"), 1.0)
    assert stages_in([short, long]) == ["text", "init_image", "denoise", "store"]


def test_the_report_has_every_run_and_what_the_numbers_depend_on(site: Site) -> None:
    told = report(bench(site, "placeholder_fast", runs=2, warm_up=1))
    assert {"ourvidz", "python", "cores"} < set(told)
    (measured,) = told["measurements"]
    assert (measured["job_type"], measured["model"], measured["weights"]) == (
        "placeholder_fast",
        "placeholder",
        "none",
    )
    assert [len(measured["warm_up"]), len(measured["runs"]), measured["items"]] == [1, 2, 1]
    assert measured["fingerprint"]["painter"] == "placeholder 1"
    assert measured["runs"][0]["stored"] > 0
