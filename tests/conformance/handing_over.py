"""Completing a job and claiming the next one in one step."""

from __future__ import annotations

import pytest

from ourvidz.jobs.queue import LeaseLost, Queue
from tests.conformance.jobs import job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claim, claimed, complete_and_claim, told


class HandingOver(OnQueue):
    """Both happen, or neither; asked again, neither happens twice."""

    def test_a_job_is_completed_and_the_next_one_claimed(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        made = claimed(queue)
        found = complete_and_claim(queue, made)
        assert found is not None
        assert (found.lease.job_id, found.payload, found.attempt) == (job_id(2), payload(2), 1)
        assert queue.job(job_id(1)).result == result(made)
        assert [event.job_id for event in told(queue)] == [job_id(1)]
        assert queue.job(job_id(2)).state == "processing"
        assert claim(queue) is None

    def test_the_last_job_is_completed_although_none_follows(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        assert complete_and_claim(queue, claimed(queue)) is None
        assert queue.job(job_id(1)).state == "completed"
        assert len(told(queue)) == 1

    def test_what_arrived_meanwhile_is_claimed(self, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        made = claimed(queue)
        other.push("sdxl_queue", b"no envelope")
        other.push("sdxl_queue", payload(2))
        found = complete_and_claim(queue, made)
        assert found is not None
        assert found.lease.job_id == job_id(2)
        assert len(queue.dead_letters.list()) == 1

    def test_the_next_job_is_chosen_as_by_a_claim(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        made = claimed(queue)
        queue.push("sdxl_queue", payload(2, job_type="image_fast"))
        queue.push("wan_queue", payload(3, job_type="video_fast"))
        queue.push("sdxl_queue", payload(4, job_type="video_fast", priority=5))
        first = complete_and_claim(queue, made, "sdxl_queue", "wan_queue", only=["video_fast"])
        assert first is not None
        second = complete_and_claim(queue, first, "sdxl_queue", "wan_queue", only=["video_fast"])
        assert second is not None
        assert [first.lease.job_id, second.lease.job_id] == [job_id(4), job_id(3)]
        assert complete_and_claim(queue, second, only=["video_fast"]) is None

    def test_asked_again_after_a_lost_reply_it_is_the_same_claim(self, queue: Queue, other: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        made = claimed(queue)
        found = complete_and_claim(queue, made, nonce="lost reply")
        assert complete_and_claim(other, made, nonce="lost reply") == found
        assert claimed(queue).lease.job_id == job_id(2)
        assert len(told(queue)) == 1

    def test_a_completion_whose_reply_was_lost_may_be_repeated_with_a_claim(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        made = claimed(queue)
        queue.complete(made.lease, result(made))
        found = complete_and_claim(queue, made)
        assert found is not None
        assert found.lease.job_id == job_id(2)
        assert len(told(queue)) == 1

    def test_who_has_lost_his_lease_claims_nothing(self, site: QueueSite, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        slow = claimed(queue)
        site.pass_time(31)
        claimed(other)
        with pytest.raises(LeaseLost):
            complete_and_claim(queue, slow)
        assert told(queue) == []
        assert claimed(queue).lease.job_id == job_id(2)

    def test_a_lease_that_ran_out_is_still_good_for_both(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        slow = claimed(queue)
        site.pass_time(31)
        found = complete_and_claim(queue, slow)
        assert found is not None
        assert found.lease.job_id == job_id(2)
        assert queue.job(job_id(1)).state == "completed"
