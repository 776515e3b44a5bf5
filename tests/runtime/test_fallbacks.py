"""A declared job type takes over when the model of another one failed."""

from __future__ import annotations

import json

import pytest

from ourvidz.jobs.states import Reason
from ourvidz.plugins.parameters import adopt_request
from tests.conformance.jobs import envelope
from tests.runtime.brittle_site import BRITTLE, BrittleSite
from tests.site import JOB_TYPE, Site


@pytest.fixture
def brittle(site: Site) -> BrittleSite:
    """Placeholders stand in for the brittle family, on their own queue."""
    made = BrittleSite(site)
    made.spec("brittle_fast", "fallback: placeholder_fast")
    made.settings("on_failure: fallback\n")
    return made


def test_by_default_a_failure_is_final(brittle: BrittleSite) -> None:
    brittle.settings("")
    brittle.goes_wrong("error")
    job_id = brittle.submit()
    assert brittle.work() == 1
    status = brittle.status(job_id)
    assert (status.status, status.effective_job_type) == ("failed", "brittle_fast")
    assert status.error is not None
    assert (status.error.code, status.error.before) == ("generation_failed", None)


def test_the_job_waits_on_the_queue_of_the_family_that_takes_over(brittle: BrittleSite) -> None:
    brittle.goes_wrong("error")
    job_id = brittle.submit()
    assert brittle.work() == 1
    waiting = brittle.status(job_id)
    assert (waiting.status, waiting.effective_job_type, waiting.attempt) == ("queued", "placeholder_fast", 0)
    assert brittle.work(family="placeholder") == 1
    assert brittle.status(job_id).status == "completed"


def test_the_result_says_what_was_asked_for_why_it_failed_and_what_was_dropped(brittle: BrittleSite) -> None:
    brittle.goes_wrong("black")
    job_id = brittle.submit(seed=7, params={"steps": 9, "levels": 16})
    brittle.work()
    brittle.work(family="placeholder")
    result = brittle.status(job_id).result
    assert result is not None
    assert (result.job_type, result.effective_job_type) == ("brittle_fast", "placeholder_fast")
    assert result.assets[0].bucket == "placeholder_fast"
    assert (result.assets[0].seed, result.parameters["steps"]) == (7, 9)
    assert result.fallback is not None
    assert result.fallback.because.code == "output_invalid"
    assert result.fallback.dropped == {"levels": 16}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"steps": 20}, {"steps": 20}),
        ({"steps": 21}, {}),
        # What the job type says itself, it may always be asked for.
        ({"guidance": 6.0}, {"guidance": 6.0}),
        ({"guidance": 7.0}, {}),
        # Its bounds allow an odd number, which its family does not take.
        ({"levels": 4}, {"levels": 4}),
        ({"levels": 3}, {}),
        ({"strength": 0.5}, {}),
        ({"frames": 81}, {}),
    ],
)
def test_a_fallback_takes_what_its_job_type_and_its_family_take(
    brittle: BrittleSite, asked: dict[str, float], kept: dict[str, float]
) -> None:
    text = BRITTLE[: BRITTLE.index("params:")]
    params = "params: {steps: {min: 1, max: 20}, levels: {}}"
    brittle.site.spec("brittle_spare", f"{text}{params}\n")
    project = brittle.site.project()
    request = envelope().model_copy(update={"params": asked, "inputs": {"init_image": "uploads/a.png"}})
    adopted, dropped = adopt_request(project.family("brittle"), project.catalog["brittle_spare"], request)
    assert (adopted.params, adopted.inputs) == (kept, {})
    assert dropped == {name: asked[name] for name in asked if name not in kept} | request.inputs


def test_a_second_failure_is_final_and_tells_of_the_first(brittle: BrittleSite) -> None:
    brittle.spec("brittle_spare", "fallback: placeholder_fast")
    brittle.spec("brittle_fast", "fallback: brittle_spare")
    brittle.goes_wrong("error", "black")
    job_id = brittle.submit()
    assert brittle.work() == 2
    status = brittle.status(job_id)
    assert (status.status, status.effective_job_type) == ("failed", "brittle_spare")
    assert status.error is not None
    assert status.error.code == "output_invalid"
    assert status.error.before is not None
    assert status.error.before.code == "generation_failed"
    record = json.loads((brittle.root / f"data/records/{job_id}.json").read_text())
    assert (record["job_type"], record["effective_job_type"]) == ("brittle_fast", "brittle_spare")
    assert Reason.model_validate(record["error"]["before"]) == status.error.before


def test_a_fallback_that_is_tried_again_still_knows_why_it_took_over(brittle: BrittleSite) -> None:
    slow = JOB_TYPE.replace("max_attempts: 20", "max_attempts: 1\ntimeout: 1s")
    brittle.site.spec("placeholder_fast", slow)
    brittle.goes_wrong("error")
    job_id = brittle.submit()
    brittle.work()
    with brittle.claimed("placeholder_queue") as (queue, claim):
        error = queue.job(job_id).error
        assert error is not None
        queue.retry_later(
            claim.lease, error.model_copy(update={"code": "timed_out", "before": error}), delay=0
        )
    brittle.site.spec("placeholder_fast", JOB_TYPE)
    brittle.work(family="placeholder")
    result = brittle.status(job_id).result
    assert result is not None
    assert result.fallback is not None
    assert result.fallback.because.code == "generation_failed"


def test_a_job_type_without_a_fallback_fails(brittle: BrittleSite) -> None:
    brittle.spec("brittle_alone")
    brittle.goes_wrong("error")
    job_id = brittle.submit("brittle_alone")
    brittle.work()
    assert (brittle.status(job_id).status, brittle.status(job_id).effective_job_type) == (
        "failed",
        "brittle_alone",
    )


REVIEWER = """
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.reviewers import Verdict

class Strict:
    name = "strict"

    def review_output(self, request, artifacts):
        return Verdict(allowed=False, category="test", reason="nothing passes")

@hookimpl
def ourvidz_output_reviewers():
    return [Strict()]
"""


@pytest.mark.parametrize("refused", ["request", "output"])
def test_what_a_reviewer_refused_is_made_by_nobody(brittle: BrittleSite, refused: str) -> None:
    if refused == "output":
        (brittle.root / "more").mkdir()
        (brittle.root / "more/strict.py").write_text(REVIEWER)
        text = (brittle.root / "ourvidz.yaml").read_text()
        (brittle.root / "ourvidz.yaml").write_text(text.replace('"]', '", "more"]'))
    job_id = brittle.submit(prompt="a toddler" if refused == "request" else "a barn")
    brittle.work()
    status = brittle.status(job_id)
    assert (status.status, status.effective_job_type) == ("failed", "brittle_fast")
    assert status.error is not None
    assert status.error.code == "refused"
