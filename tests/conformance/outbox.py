"""Events are kept until they are accepted."""

from __future__ import annotations

from ourvidz.jobs.queue import Queue
from tests.conformance.jobs import FAILURE, job_id, payload
from tests.conformance.site import OnQueue, QueueSite, claimed


def end_some(queue: Queue, count: int) -> None:
    """Let so many jobs fail, in order."""
    for number in range(count):
        queue.push("sdxl_queue", payload(number))
        queue.fail(claimed(queue).lease, FAILURE)


class Outbox(OnQueue):
    """Handed out in order within a job, one at a time, until accepted."""

    def test_an_event_that_is_being_tried_is_not_handed_out_twice(self, queue: Queue, other: Queue) -> None:
        end_some(queue, 1)
        assert len(queue.outbox.claim(limit=10, lease_seconds=30)) == 1
        assert other.outbox.claim(limit=10, lease_seconds=30) == []
        assert queue.outbox.claim(limit=10, lease_seconds=30) == []
        assert other.outbox.waiting() == 1

    def test_an_event_that_was_accepted_is_forgotten(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        end_some(queue, 1)
        [entry] = queue.outbox.claim(limit=10, lease_seconds=30)
        queue.outbox.delivered(entry)
        queue.outbox.delivered(entry)
        site.pass_time(3600)
        assert other.outbox.claim(limit=10, lease_seconds=30) == []
        assert other.outbox.waiting() == 0

    def test_several_events_are_accepted_at_once(self, site: QueueSite, queue: Queue, other: Queue) -> None:
        end_some(queue, 3)
        first, second, third = queue.outbox.claim(limit=10, lease_seconds=30)
        queue.outbox.delivered(first)
        queue.outbox.delivered(first, third)
        site.pass_time(31)
        [left] = other.outbox.claim(limit=10, lease_seconds=30)
        assert left.job_id == second.job_id

    def test_an_acceptance_repeated_late_forgets_no_other_event(self, queue: Queue) -> None:
        end_some(queue, 1)
        [entry] = queue.outbox.claim(limit=10, lease_seconds=30)
        queue.outbox.delivered(entry)
        queue.retry(job_id(0))
        queue.fail(claimed(queue).lease, FAILURE)
        queue.outbox.delivered(entry)
        assert queue.outbox.waiting() == 1

    def test_an_event_that_is_not_settled_in_time_is_handed_out_again(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        end_some(queue, 1)
        [first] = queue.outbox.claim(limit=10, lease_seconds=30)
        site.pass_time(31)
        [again] = other.outbox.claim(limit=10, lease_seconds=30)
        assert (again.job_id, again.body) == (first.job_id, first.body)

    def test_an_event_that_was_refused_is_tried_again_after_its_delay(
        self, site: QueueSite, queue: Queue
    ) -> None:
        end_some(queue, 1)
        [first] = queue.outbox.claim(limit=10, lease_seconds=30)
        assert first.tries == 0
        queue.outbox.failed(first, delay=120, reason="503")
        queue.outbox.failed(first, delay=120, reason="503")
        site.pass_time(110)
        assert queue.outbox.claim(limit=10, lease_seconds=30) == []
        site.pass_time(11)
        [again] = queue.outbox.claim(limit=10, lease_seconds=30)
        assert (again.tries, again.body) == (1, first.body)

    def test_no_more_events_are_handed_out_than_asked_for(self, queue: Queue) -> None:
        end_some(queue, 3)
        first = queue.outbox.claim(limit=2, lease_seconds=30)
        rest = queue.outbox.claim(limit=2, lease_seconds=30)
        assert (len(first), len(rest)) == (2, 1)
        assert {entry.job_id for entry in first + rest} == {job_id(number) for number in range(3)}

    def test_events_of_one_job_are_handed_out_in_order(self, site: QueueSite, queue: Queue) -> None:
        end_some(queue, 1)
        queue.retry(job_id(0))
        queue.fail(claimed(queue).lease, FAILURE)
        [first] = queue.outbox.claim(limit=10, lease_seconds=30)
        queue.outbox.failed(first, delay=60, reason="503")
        assert queue.outbox.claim(limit=10, lease_seconds=30) == []
        site.pass_time(61)
        [first_again] = queue.outbox.claim(limit=10, lease_seconds=30)
        assert first_again.body == first.body
        queue.outbox.delivered(first_again)
        [second] = queue.outbox.claim(limit=10, lease_seconds=30)
        assert second.body != first.body
