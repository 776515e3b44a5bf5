"""How a claim ends: for good, with an event, or with the job waiting again."""

from __future__ import annotations

import pytest

from ourvidz.jobs.events import final_sequence
from ourvidz.jobs.queue import JobNotFound, JobStateConflict, LeaseLost, Queue
from ourvidz.jobs.states import Failure
from tests.conformance.jobs import FAILURE, USER, envelope, job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claim, claimed, told


class Ending(OnQueue):
    """A job that ended stays so, and its event is in the outbox in the same step."""

    def test_a_completed_job_is_told_of_with_its_result(self, queue: Queue) -> None:
        queue.push("sdxl_queue", envelope(1, metadata={"project": "demo"}).to_payload())
        found = claimed(queue)
        queue.complete(found.lease, result(found))
        record = queue.job(job_id(1))
        assert (record.state, record.result, record.error) == ("completed", result(found), None)
        [event] = told(queue)
        assert (event.job_id, event.user_id, event.job_type) == (job_id(1), USER, "sdxl_image_fast")
        assert (event.status, event.result, event.attempt) == ("completed", result(found), 1)
        assert event.sequence == final_sequence(found.lease.token)
        assert event.metadata == {"project": "demo"}
        assert event.at.timestamp() == pytest.approx(record.finished_at)
        assert event.started_at is not None
        assert event.started_at.timestamp() == pytest.approx(record.started_at)
        assert event.effective_job_type == "sdxl_image_fast"

    def test_a_failed_job_is_told_of_with_its_reason(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        assert (queue.job(job_id(1)).state, queue.job(job_id(1)).error) == ("failed", FAILURE)
        [event] = told(queue)
        assert (event.status, event.error, event.result) == ("failed", FAILURE, None)
        assert queue.dead_letters.list() == []

    def test_a_failed_job_can_be_kept_as_a_dead_letter(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE, dead_letter=True)
        [letter] = queue.dead_letters.list()
        assert (letter.job_id, letter.failure) == (job_id(1), FAILURE)
        assert (letter.queue, letter.payload) == ("sdxl_queue", payload(1))
        assert [event.status for event in told(queue)] == ["failed"]

    @pytest.mark.parametrize("starts", [0, 2])
    def test_a_claim_that_only_buries_a_job_is_no_start(
        self, site: QueueSite, queue: Queue, starts: int
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        for _ in range(starts):
            claimed(queue)
            site.pass_time(31)
        queue.fail(claimed(queue).lease, FAILURE, dead_letter=True)
        [letter] = queue.dead_letters.list()
        [event] = told(queue)
        assert (letter.attempt, event.attempt, queue.job(job_id(1)).attempt) == (starts, starts, starts)

    def test_a_job_whose_cancellation_was_seen_is_told_of(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        queue.cancel(job_id(1))
        queue.cancelled(lease)
        assert queue.job(job_id(1)).state == "cancelled"
        assert [event.status for event in told(queue)] == ["cancelled"]

    def test_a_cancellation_that_comes_too_late_changes_nothing(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        queue.cancel(job_id(1))
        queue.complete(found.lease, result(found))
        assert [event.status for event in told(queue)] == ["completed"]

    def test_an_ended_job_is_not_claimed_again(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        site.pass_time(3600)
        assert claim(queue) is None


class WaitingAgain(OnQueue):
    """Retries, hand-backs and fallbacks."""

    def test_a_delayed_retry_starts_after_its_delay_and_counts(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.retry_later(claimed(queue).lease, FAILURE, delay=60)
        waiting = queue.job(job_id(1))
        assert (waiting.state, waiting.attempt, waiting.error) == ("queued", 1, FAILURE)
        assert waiting.due_at is not None
        site.pass_time(55)
        assert claim(queue) is None
        site.pass_time(6)
        assert claimed(queue).attempt == 2
        assert told(queue) == []

    def test_a_retry_without_delay_starts_at_once(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.retry_later(claimed(queue).lease, FAILURE, delay=0)
        assert queue.job(job_id(1)).due_at is None
        assert claimed(queue).attempt == 2

    def test_a_job_handed_back_stands_at_its_old_place_as_if_never_claimed(self, queue: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        before = queue.job(job_id(0))
        lease = claimed(queue).lease
        claimed(queue)
        queue.hand_back(lease)
        assert queue.job(job_id(0)) == before
        again = claimed(queue)
        assert (again.lease.job_id, again.attempt) == (job_id(0), 1)

    def test_a_fallback_takes_over_the_same_job_on_its_own_queue(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        first = claimed(queue)
        queue.reroute(first.lease, queue="wan_queue", job_type="image_fast", failure=FAILURE)
        assert claim(queue) is None
        assert queue.job(job_id(1)).error == FAILURE
        second = claimed(queue, "wan_queue")
        assert (second.lease.job_id, second.queue, second.job_type) == (job_id(1), "wan_queue", "image_fast")
        assert (second.attempt, second.rerouted, second.payload) == (1, True, payload(1))
        assert queue.job(job_id(1)).error == FAILURE, "whoever takes over has to know why"
        queue.complete(second.lease, result(second))
        record = queue.job(job_id(1))
        assert (record.job_type, record.effective_job_type) == ("sdxl_image_fast", "image_fast")
        [event] = told(queue)
        assert (event.job_type, event.effective_job_type) == ("sdxl_image_fast", "image_fast")

    def test_a_fallback_that_fails_as_well_is_told_of_with_both_types(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.reroute(claimed(queue).lease, queue="wan_queue", job_type="image_fast", failure=FAILURE)
        second = Failure(code="output_invalid", message="black")
        queue.fail(claimed(queue, "wan_queue").lease, second)
        [event] = told(queue)
        assert (event.job_type, event.effective_job_type) == ("sdxl_image_fast", "image_fast")
        assert (event.status, event.error) == ("failed", second)

    def test_a_fallback_on_the_same_queue_is_claimed_as_its_own_type(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.reroute(claimed(queue).lease, queue="sdxl_queue", job_type="sdxl_image_high", failure=FAILURE)
        assert claim(queue, only=["sdxl_image_fast"]) is None
        assert claimed(queue, only=["sdxl_image_high"]).rerouted

    @pytest.mark.parametrize("way", ["retry_later", "hand_back", "reroute", "lease runs out"])
    def test_a_job_that_is_to_be_cancelled_does_not_wait_again(
        self, site: QueueSite, queue: Queue, way: str
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        queue.cancel(job_id(1))
        if way == "retry_later":
            queue.retry_later(lease, FAILURE, delay=1)
        elif way == "hand_back":
            queue.hand_back(lease)
        elif way == "reroute":
            queue.reroute(lease, queue="wan_queue", job_type="image_fast", failure=FAILURE)
        site.pass_time(31)
        assert claim(queue, "sdxl_queue", "wan_queue") is None
        assert queue.job(job_id(1)).state == "cancelled"
        assert [event.status for event in told(queue)] == ["cancelled"]


class Commands(OnQueue):
    """What people do to jobs: cancel and retry."""

    def test_a_waiting_job_is_cancelled_at_once(self, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        assert other.cancel(job_id(1)) == "cancelled"
        assert claim(queue) is None
        [event] = told(queue)
        assert (event.status, event.attempt, event.started_at) == ("cancelled", 0, None)

    def test_a_job_whose_worker_died_is_cancelled_at_once(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        site.pass_time(31)
        assert queue.cancel(job_id(1)) == "cancelled"
        with pytest.raises(LeaseLost):
            queue.beat(lease, lease_seconds=30)

    def test_a_delayed_retry_can_be_cancelled(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.retry_later(claimed(queue).lease, FAILURE, delay=60)
        assert queue.cancel(job_id(1)) == "cancelled"
        site.pass_time(61)
        assert claim(queue) is None

    def test_a_running_job_is_asked_to_stop(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue)
        assert queue.cancel(job_id(1)) == "processing"
        assert queue.cancel(job_id(1)) == "processing"
        assert queue.job(job_id(1)).cancel_requested
        assert told(queue) == []

    def test_an_ended_job_cannot_be_cancelled(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        with pytest.raises(JobStateConflict):
            queue.cancel(job_id(1))

    @pytest.mark.parametrize("end", ["failed", "cancelled"])
    def test_an_ended_job_is_queued_anew(self, queue: Queue, end: str) -> None:
        for number in range(2):
            queue.push("sdxl_queue", payload(number))
        first = claimed(queue)
        if end == "failed":
            queue.fail(first.lease, FAILURE)
        else:
            queue.cancelled(first.lease)
        queue.retry(job_id(0))
        record = queue.job(job_id(0))
        assert (record.state, record.attempt, record.error) == ("queued", 0, None)
        assert (record.started_at, record.finished_at) == (None, None)
        assert claimed(queue).lease.job_id == job_id(1), "expected the retried job behind the waiting one"
        again = claimed(queue)
        assert (again.lease.job_id, again.attempt) == (job_id(0), 1)
        queue.complete(again.lease, result(again))
        earlier, later = told(queue) + told(queue)
        assert (earlier.status, later.status) == (end, "completed")
        assert later.sequence > earlier.sequence

    def test_a_rerouted_job_is_queued_anew_where_it_was_pushed(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.reroute(claimed(queue).lease, queue="wan_queue", job_type="image_fast", failure=FAILURE)
        queue.fail(claimed(queue, "wan_queue").lease, FAILURE)
        queue.retry(job_id(1))
        again = claimed(queue)
        assert (again.job_type, again.rerouted) == ("sdxl_image_fast", False)

    def test_a_retried_job_that_is_cancelled_before_it_starts_is_told_of_anew(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        queue.retry(job_id(1))
        queue.cancel(job_id(1))
        failed, cancelled = told(queue) + told(queue)
        assert (failed.status, cancelled.status) == ("failed", "cancelled")
        assert cancelled.sequence > failed.sequence

    def test_a_cancellation_does_not_outlive_a_retry(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        queue.cancel(job_id(1))
        queue.cancelled(lease)
        queue.retry(job_id(1))
        assert queue.beat(claimed(queue).lease, lease_seconds=30) == "ok"

    def test_only_a_failed_or_cancelled_job_is_queued_anew(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        with pytest.raises(JobStateConflict):
            queue.retry(job_id(1))
        found = claimed(queue)
        with pytest.raises(JobStateConflict):
            queue.retry(job_id(1))
        queue.complete(found.lease, result(found))
        with pytest.raises(JobStateConflict):
            queue.retry(job_id(1))

    @pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "cancelled while it waited"])
    def test_the_end_of_a_job_is_told_again_as_it_was(
        self, site: QueueSite, queue: Queue, other: Queue, end: str
    ) -> None:
        queue.push("sdxl_queue", envelope(1, metadata={"project": "demo"}).to_payload())
        if end == "cancelled while it waited":
            queue.cancel(job_id(1))
        elif end == "completed":
            found = claimed(queue)
            queue.complete(found.lease, result(found))
        elif end == "failed":
            queue.fail(claimed(queue).lease, FAILURE)
        else:
            queue.cancelled(claimed(queue).lease)
        [first] = told(queue)
        site.pass_time(60)
        other.tell_again(job_id(1))
        assert told(queue) == [first]
        assert told(queue) == []

    def test_an_end_that_still_waits_to_be_told_is_not_told_twice(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        queue.tell_again(job_id(1))
        queue.tell_again(job_id(1))
        assert queue.outbox.waiting() == 1

    def test_a_job_whose_end_is_told_again_is_remembered_until_it_was(
        self, site: QueueSite, queue: Queue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        told(queue)
        queue.tell_again(job_id(1))
        site.pass_time(3600)
        assert queue.trim(older_than=60) == 0
        told(queue)
        assert queue.trim(older_than=60) == 1

    def test_of_a_job_that_is_not_known_a_failure_is_told_once(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        queue.tell_lost(job_id(1), FAILURE)
        site.pass_time(60)
        other.tell_lost(job_id(1), FAILURE)
        [event] = told(queue)
        assert (event.job_id, event.status, event.error) == (job_id(1), "failed", FAILURE)
        assert (event.sequence, event.attempt, event.result) == (final_sequence(0), 0, None)
        assert queue.outbox.waiting() == 0
        with pytest.raises(JobNotFound):
            queue.job(job_id(1))

    @pytest.mark.parametrize("state", ["queued", "processing", "failed"])
    def test_a_job_that_is_known_is_not_told_lost(self, queue: Queue, state: str) -> None:
        queue.push("sdxl_queue", payload(1))
        if state != "queued":
            lease = claimed(queue).lease
            if state == "failed":
                queue.fail(lease, FAILURE)
                told(queue)
        with pytest.raises(JobStateConflict, match=f"is not lost: it is {state}"):
            queue.tell_lost(job_id(1), FAILURE)
        assert queue.outbox.waiting() == 0

    def test_of_a_job_that_has_not_ended_no_end_is_told(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        with pytest.raises(JobStateConflict, match="is queued"):
            queue.tell_again(job_id(1))
        claimed(queue)
        with pytest.raises(JobStateConflict, match="is processing"):
            queue.tell_again(job_id(1))
        assert queue.outbox.waiting() == 0

    def test_a_job_that_was_never_pushed_is_not_found(self, queue: Queue) -> None:
        with pytest.raises(JobNotFound):
            queue.cancel(job_id(1))
        with pytest.raises(JobNotFound):
            queue.retry(job_id(1))
        with pytest.raises(JobNotFound):
            queue.tell_again(job_id(1))
        with pytest.raises(JobNotFound):
            queue.job(job_id(1))
        with pytest.raises(JobNotFound):
            queue.ahead(job_id(1))
