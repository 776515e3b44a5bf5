"""What died can be looked at, tried again, and forgotten."""

from __future__ import annotations

import pytest

from ourvidz.jobs.dead_letters import DeadLetterNotFound
from ourvidz.jobs.queue import JobStateConflict, Queue
from tests.conformance.jobs import FAILURE, job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claim, claimed


def bury(queue: Queue, job: int) -> int:
    """Let a job die of its workers; returns its letter's id."""
    queue.push("sdxl_queue", payload(job))
    queue.fail(claimed(queue).lease, FAILURE, dead_letter=True)
    return queue.dead_letters.list()[0].id


class DeadLetters(OnQueue):
    """Newest first."""

    def test_letters_are_listed_newest_first(self, queue: Queue) -> None:
        ids = [bury(queue, number) for number in range(3)]
        assert [letter.id for letter in queue.dead_letters.list()] == ids[::-1]
        assert [letter.id for letter in queue.dead_letters.list(limit=1)] == ids[-1:]

    def test_letters_are_listed_by_queue(self, queue: Queue) -> None:
        queue.push("sdxl_queue", b"?")
        queue.push("wan_queue", b"!")
        claim(queue, "sdxl_queue", "wan_queue")
        assert [letter.payload for letter in queue.dead_letters.list(queue="wan_queue")] == [b"!"]

    def test_one_letter_is_looked_at(self, queue: Queue) -> None:
        number = bury(queue, 1)
        assert queue.dead_letters.get(number) == queue.dead_letters.list()[0]

    def test_a_letter_that_is_retried_is_a_job_again(self, queue: Queue, other: Queue) -> None:
        number = bury(queue, 1)
        other.dead_letters.retry(number)
        assert queue.dead_letters.list() == []
        again = claimed(queue)
        assert (again.lease.job_id, again.attempt, again.payload) == (job_id(1), 1, payload(1))
        queue.complete(again.lease, result(again))
        assert queue.job(job_id(1)).state == "completed"

    def test_a_letter_whose_job_was_forgotten_is_pushed_anew(self, site: QueueSite, queue: Queue) -> None:
        number = bury(queue, 1)
        [entry] = queue.outbox.claim(limit=1, lease_seconds=30)
        queue.outbox.delivered(entry)
        site.pass_time(100)
        assert queue.trim(older_than=50) == 1
        queue.dead_letters.retry(number)
        assert claimed(queue).lease.job_id == job_id(1)

    def test_a_letter_that_still_cannot_be_read_dies_again(self, queue: Queue) -> None:
        queue.push("sdxl_queue", b"?")
        claim(queue)
        [letter] = queue.dead_letters.list()
        queue.dead_letters.retry(letter.id)
        assert claim(queue) is None
        assert [again.payload for again in queue.dead_letters.list()] == [b"?"]

    @pytest.mark.parametrize("state", ["queued", "processing", "completed"])
    def test_a_letter_whose_job_was_retried_otherwise_is_kept(self, queue: Queue, state: str) -> None:
        number = bury(queue, 1)
        queue.retry(job_id(1))
        if state != "queued":
            again = claimed(queue)
        if state == "completed":
            queue.complete(again.lease, result(again))
        before = queue.job(job_id(1))
        with pytest.raises(JobStateConflict, match=state):
            queue.dead_letters.retry(number)
        assert queue.job(job_id(1)) == before
        assert queue.dead_letters.get(number).job_id == job_id(1)

    def test_old_letters_are_purged(self, site: QueueSite, queue: Queue) -> None:
        bury(queue, 1)
        site.pass_time(100)
        young = bury(queue, 2)
        assert queue.dead_letters.purge(older_than=50) == 1
        assert [letter.id for letter in queue.dead_letters.list()] == [young]

    def test_a_letter_that_is_not_there_is_not_found(self, queue: Queue) -> None:
        with pytest.raises(DeadLetterNotFound):
            queue.dead_letters.get(7)
        with pytest.raises(DeadLetterNotFound):
            queue.dead_letters.retry(7)
