"""What ended jobs say about a machine."""

from __future__ import annotations

import dataclasses

from ourvidz.jobs.queue import JobRecord
from ourvidz.jobs.states import JobState
from ourvidz.jobs.statistics import JobTypeStatistics, Quantiles, by_job_type, ended_since
from tests.conformance.jobs import FAILURE, FULL_RESULT, USER, job_id, payload

BEGUN = 1_000.0


def ended(
    state: JobState = "completed",
    *,
    wait: float = 1.0,
    run: float = 2.0,
    attempt: int = 1,
    asked: str = "image_high",
    made: str = "image_high",
) -> JobRecord:
    return JobRecord(
        job_id=job_id(0),
        user_id=USER,
        queue="sdxl_queue",
        job_type=asked,
        effective_job_type=made,
        state=state,
        attempt=attempt,
        priority=0,
        submitted_at=BEGUN - wait,
        started_at=BEGUN,
        finished_at=BEGUN + run,
        due_at=None,
        cancel_requested=False,
        progress=None,
        result=FULL_RESULT if state == "completed" else None,
        error=FAILURE if state == "failed" else None,
        payload=payload(0),
    )


def only(*jobs: JobRecord) -> JobTypeStatistics:
    [found] = by_job_type(jobs)
    return found


class TestQuantiles:
    def test_each_is_a_time_that_was_measured(self) -> None:
        times = [float(number) for number in range(100, 0, -1)]
        assert Quantiles.of(times) == Quantiles(count=100, p50=50.0, p95=95.0, p99=99.0)

    def test_of_a_few_the_highest_are_the_longest(self) -> None:
        assert Quantiles.of([3.0]) == Quantiles(count=1, p50=3.0, p95=3.0, p99=3.0)
        assert Quantiles.of([1.0, 9.0, 2.0]) == Quantiles(count=3, p50=2.0, p95=9.0, p99=9.0)


class TestByJobType:
    def test_stages_are_in_the_order_in_which_they_happen(self) -> None:
        found = only(ended(wait=4.0, run=7.0))
        assert list(found.stages) == ["wait", "denoise", "run"]
        assert [one.p50 for one in found.stages.values()] == [4.0, 1.5, 7.0]

    def test_a_later_start_says_nothing_of_the_wait_for_the_first(self) -> None:
        found = only(ended(wait=4.0), ended(wait=900.0, attempt=2))
        assert (found.stages["wait"].count, found.stages["wait"].p99) == (1, 4.0)
        assert found.stages["run"].count == 2

    def test_a_time_that_a_clock_step_made_negative_does_not_count(self) -> None:
        found = only(ended(wait=-5.0, run=-1.0))
        assert (found.completed, list(found.stages)) == (1, ["denoise"])

    def test_errors_are_a_share_of_what_was_not_cancelled(self) -> None:
        found = only(*[ended()] * 3, ended("failed"), *[ended("cancelled")] * 4)
        assert (found.completed, found.failed, found.cancelled) == (3, 1, 4)
        assert (found.error_rate, found.errors) == (0.25, {"out_of_memory": 1})

    def test_nothing_is_judged_where_all_was_cancelled(self) -> None:
        found = only(ended("cancelled"))
        assert (found.error_rate, found.keeps_error_rate, found.keeps_time(1.0)) == (None, None, None)

    def test_the_share_of_errors_stays_below_two_percent(self) -> None:
        assert only(*[ended()] * 49, ended("failed")).keeps_error_rate is False
        assert only(*[ended()] * 50, ended("failed")).keeps_error_rate is True

    def test_the_time_is_kept_by_95_of_100(self) -> None:
        jobs = [*[ended(run=2.0)] * 95, *[ended(run=50.0)] * 5]
        assert only(*jobs).keeps_time(2.0) is True
        assert only(*jobs, ended(run=50.0)).keeps_time(2.0) is False

    def test_a_job_counts_where_it_was_made_and_is_known_where_it_was_asked_for(self) -> None:
        high, low = by_job_type([ended(made="image_low")])
        assert (high.job_type, high.completed, high.taken_over) == ("image_high", 0, 1)
        assert (low.job_type, low.completed, low.taken_over) == ("image_low", 1, 0)
        assert "wait" not in low.stages


def test_only_what_ended_since_a_moment_counts() -> None:
    running = dataclasses.replace(ended("processing"), finished_at=None)
    jobs = [ended(run=5.0), ended(run=10.0), running]
    assert ended_since(jobs, BEGUN + 10.0) == [jobs[1]]
