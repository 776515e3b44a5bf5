"""What a queue tells about its jobs, and when it forgets them."""

from __future__ import annotations

import pytest

from ourvidz.jobs.queue import JobNotFound, JobRecord, Queue
from tests.conformance.jobs import FAILURE, SUBMITTED, USER, job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claimed, told


def ids(records: list[JobRecord]) -> list[str]:
    return [record.job_id for record in records]


class Lookups(OnQueue):
    """Records, positions, depths, typical times."""

    def test_a_record_says_what_was_pushed(self, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1, priority=5))
        record = other.job(job_id(1))
        assert (record.job_id, record.user_id, record.queue) == (job_id(1), USER, "sdxl_queue")
        assert (record.job_type, record.effective_job_type) == ("sdxl_image_fast", "sdxl_image_fast")
        assert (record.state, record.attempt, record.priority) == ("queued", 0, 5)
        assert (record.submitted_at, record.payload) == (SUBMITTED.timestamp(), payload(1, priority=5))
        assert (record.started_at, record.finished_at, record.due_at) == (None, None, None)
        assert (record.progress, record.result, record.error) == (None, None, None)
        assert not record.cancel_requested

    def test_a_record_says_when_a_job_started_and_ended(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        started = queue.job(job_id(1)).started_at
        assert started is not None
        assert queue.job(job_id(1)).finished_at is None
        site.pass_time(10)
        queue.complete(found.lease, result(found))
        finished = queue.job(job_id(1)).finished_at
        assert finished is not None
        assert finished - started >= 10

    def test_jobs_are_listed_newest_first_by_whatever_is_asked(self, queue: Queue) -> None:
        for number in range(4):
            job_type = "image_fast" if number % 2 else "image_high"
            queue.push(f"queue_{number // 2}", payload(number, job_type=job_type))
        queue.fail(claimed(queue, "queue_0").lease, FAILURE)
        assert ids(queue.jobs()) == [job_id(number) for number in (3, 2, 1, 0)]
        assert ids(queue.jobs(limit=2)) == [job_id(3), job_id(2)]
        assert ids(queue.jobs(state="failed")) == [job_id(0)]
        assert ids(queue.jobs(queue="queue_1")) == [job_id(3), job_id(2)]
        assert ids(queue.jobs(job_type="image_high")) == [job_id(2), job_id(0)]
        assert ids(queue.jobs(job_type="image_high", state="queued")) == [job_id(2)]

    def test_a_list_says_of_ended_jobs_when_and_how(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        found = claimed(queue)
        site.pass_time(10)
        queue.complete(found.lease, result(found))
        queue.fail(claimed(queue).lease, FAILURE)
        waiting, failed, completed = other.jobs()
        assert completed.result == result(found)
        assert completed.started_at is not None
        assert completed.finished_at is not None
        assert completed.finished_at - completed.started_at >= 10
        assert (failed.result, failed.error) == (None, FAILURE)
        assert failed.finished_at is not None
        assert (waiting.finished_at, waiting.result, waiting.error) == (None, None, None)

    def test_states_are_told_of_the_jobs_that_are_known(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        for number in range(4):
            queue.push("sdxl_queue", payload(number))
        queue.fail(claimed(queue).lease, FAILURE)
        claimed(queue, lease=30)
        claimed(queue, lease=600)
        site.pass_time(31)
        assert other.states([job_id(number) for number in (0, 1, 2, 3, 7)]) == {
            job_id(0): "failed",
            job_id(1): "queued",
            job_id(2): "processing",
            job_id(3): "queued",
        }
        assert other.states([]) == {}

    def test_a_job_has_those_ahead_that_start_before_it(self, queue: Queue) -> None:
        for number, (job_type, priority) in enumerate(
            [("image_fast", 0), ("image_high", 0), ("image_fast", 0), ("image_fast", 9), ("image_fast", 0)]
        ):
            queue.push("wan_queue", payload(number, job_type=job_type, priority=priority))
        queue.push("sdxl_queue", payload(9))
        assert queue.ahead(job_id(2)) == {"image_fast": 2, "image_high": 1}
        assert queue.ahead(job_id(3)) == {}
        assert queue.ahead(job_id(9)) == {}
        claimed(queue, "wan_queue")
        assert queue.ahead(job_id(0)) == {}
        assert queue.ahead(job_id(3)) is None

    def test_depths_count_what_waits_is_delayed_and_runs(self, site: QueueSite, queue: Queue) -> None:
        for number, job_type in enumerate(["image_fast", "image_fast", "image_high", "image_fast"]):
            queue.push("wan_queue", payload(number, job_type=job_type))
        queue.push("sdxl_queue", payload(9))
        queue.retry_later(claimed(queue, "wan_queue").lease, FAILURE, delay=600)
        found = claimed(queue, "wan_queue")
        done = claimed(queue)
        queue.complete(done.lease, result(done))
        site.pass_time(5)
        sdxl, wan = queue.depths()
        assert (sdxl.queue, dict(sdxl.waiting), sdxl.delayed, sdxl.processing) == ("sdxl_queue", {}, 0, 0)
        assert sdxl.oldest_seconds is None
        assert (wan.queue, wan.delayed, wan.processing) == ("wan_queue", 1, 1)
        assert dict(wan.waiting) == {"image_fast": 1, "image_high": 1}
        assert wan.oldest_seconds is not None
        assert wan.oldest_seconds >= 5
        assert found.lease.job_id == job_id(1)

    def test_depths_know_a_queue_that_only_a_fallback_has_used(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.reroute(claimed(queue).lease, queue="wan_queue", job_type="image_fast", failure=FAILURE)
        assert [(depth.queue, dict(depth.waiting)) for depth in queue.depths()] == [
            ("sdxl_queue", {}),
            ("wan_queue", {"image_fast": 1}),
        ]

    def test_a_lease_that_ran_out_counts_as_waiting(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue)
        site.pass_time(31)
        [depth] = queue.depths()
        assert (dict(depth.waiting), depth.processing) == ({"sdxl_image_fast": 1}, 0)
        assert queue.ahead(job_id(1)) == {}

    def test_a_typical_time_is_the_median_of_completed_jobs(self, site: QueueSite, queue: Queue) -> None:
        assert queue.typical_seconds("sdxl_image_fast") is None
        for number, seconds in enumerate([3, 100, 4]):
            queue.push("sdxl_queue", payload(number))
            found = claimed(queue, lease=600)
            site.pass_time(seconds)
            queue.complete(found.lease, result(found))
        queue.push("sdxl_queue", payload(9))
        failed = claimed(queue, lease=600)
        queue.fail(failed.lease, FAILURE)
        assert queue.typical_seconds("sdxl_image_fast") == pytest.approx(4, abs=1)
        assert queue.typical_seconds("image_fast") is None


class Trimming(OnQueue):
    """Only what ended long ago, and was told, is forgotten."""

    def test_jobs_that_ended_long_ago_are_forgotten(self, site: QueueSite, queue: Queue) -> None:
        for number in range(4):
            queue.push("sdxl_queue", payload(number))
        old = claimed(queue, lease=6000)
        queue.complete(old.lease, result(old))
        running = claimed(queue, lease=6000)
        told(queue)
        site.pass_time(100)
        recent = claimed(queue, lease=6000)
        queue.fail(recent.lease, FAILURE)
        told(queue)
        assert queue.trim(older_than=50) == 1
        with pytest.raises(JobNotFound):
            queue.job(old.lease.job_id)
        for number in (1, 2, 3):
            assert queue.job(job_id(number))
        assert queue.beat(running.lease, lease_seconds=30) == "ok"
        assert [depth.queue for depth in queue.depths()] == ["sdxl_queue"]

    def test_a_job_whose_event_was_not_accepted_yet_is_kept(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        site.pass_time(100)
        assert queue.trim(older_than=50) == 0
        assert len(told(queue)) == 1
        assert queue.trim(older_than=50) == 1
