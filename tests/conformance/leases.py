"""What a lease allows, for how long, and what happens to one that is outdated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Claim, Lease, LeaseLost, Queue
from tests.conformance.jobs import FAILURE, job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claim, claimed, complete_and_claim, told

#: Every verb that ends a claim.
VERBS: dict[str, Callable[[Queue, Claim], object]] = {
    "complete": lambda queue, claim: queue.complete(claim.lease, result(claim)),
    "complete_and_claim": lambda queue, claim: complete_and_claim(queue, claim, nonce="next"),
    "fail": lambda queue, claim: queue.fail(claim.lease, FAILURE),
    "cancelled": lambda queue, claim: queue.cancelled(claim.lease),
    "retry_later": lambda queue, claim: queue.retry_later(claim.lease, FAILURE, delay=60),
    "hand_back": lambda queue, claim: queue.hand_back(claim.lease),
    "reroute": lambda queue, claim: queue.reroute(
        claim.lease, queue="wan_queue", job_type="image_fast", failure=FAILURE
    ),
}

#: Of the two that complete a job, either may repeat the other.
COMPLETING = {VERBS["complete"], VERBS["complete_and_claim"]}

each_verb = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)


class Leases(OnQueue):
    """The newest token wins."""

    def test_a_lease_that_runs_out_puts_the_job_back(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        first = claimed(queue)
        site.pass_time(31)
        second = claimed(other)
        assert second.lease.job_id == first.lease.job_id, "expected the job back at its old place"
        assert second.lease.token > first.lease.token
        assert (first.attempt, second.attempt) == (1, 2)

    def test_a_job_whose_lease_ran_out_waits_as_if_never_started(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.beat(
            claimed(queue).lease, lease_seconds=30, progress=Progress(stage="denoise", step=3, steps=20)
        )
        site.pass_time(31)
        record = queue.job(job_id(1))
        assert (record.state, record.started_at, record.progress) == ("queued", None, None)
        assert record.attempt == 1

    def test_a_slow_worker_that_goes_on_is_shown_at_work_as_before(
        self, site: QueueSite, queue: Queue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        queue.beat(lease, lease_seconds=30, progress=Progress(stage="denoise", step=3, steps=20))
        before = queue.job(job_id(1))
        site.pass_time(31)
        assert queue.job(job_id(1)) != before
        queue.beat(lease, lease_seconds=30)
        assert queue.job(job_id(1)) == before

    def test_a_lease_holds_until_it_runs_out(self, site: QueueSite, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue)
        site.pass_time(29)
        assert claim(other) is None

    def test_a_beat_renews_the_lease(self, site: QueueSite, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        for _ in range(3):
            site.pass_time(20)
            assert other.beat(lease, lease_seconds=30) == "ok"
            assert claim(other) is None

    def test_a_beat_notes_the_progress_and_keeps_it(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        progress = Progress(stage="denoise", step=3, steps=20)
        queue.beat(lease, lease_seconds=30, progress=progress)
        queue.beat(lease, lease_seconds=30)
        assert queue.job(job_id(1)).progress == progress

    def test_a_beat_tells_of_a_cancellation(self, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        lease = claimed(queue).lease
        assert other.cancel(job_id(1)) == "processing"
        assert queue.beat(lease, lease_seconds=30) == "cancel"
        assert queue.beat(lease, lease_seconds=30) == "cancel"

    def test_a_slow_worker_takes_its_job_up_again_if_nobody_else_has(
        self, site: QueueSite, queue: Queue, other: Queue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        slow = claimed(queue)
        site.pass_time(31)
        assert queue.job(job_id(1)).state == "queued"
        assert queue.beat(slow.lease, lease_seconds=30) == "ok"
        assert claim(other) is None
        assert queue.job(job_id(1)).state == "processing"

    @each_verb
    def test_a_slow_worker_may_end_its_job_if_nobody_else_has_it(
        self, site: QueueSite, queue: Queue, verb: Callable[[Queue, Claim], object]
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        slow = claimed(queue)
        site.pass_time(31)
        assert queue.job(job_id(1)).state == "queued"
        verb(queue, slow)
        with pytest.raises(LeaseLost):
            queue.beat(slow.lease, lease_seconds=30)

    @each_verb
    def test_every_verb_of_an_older_token_is_refused_and_changes_nothing(
        self, site: QueueSite, queue: Queue, other: Queue, verb: Callable[[Queue, Claim], object]
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        old = claimed(queue)
        site.pass_time(31)
        new = claimed(other)
        before = queue.job(job_id(1))
        with pytest.raises(LeaseLost):
            verb(queue, old)
        with pytest.raises(LeaseLost):
            queue.beat(old.lease, lease_seconds=30, progress=Progress(stage="denoise", step=1, steps=2))
        assert queue.job(job_id(1)) == before
        assert told(queue) == []
        other.complete(new.lease, result(new))
        assert queue.job(job_id(1)).state == "completed"

    @each_verb
    def test_every_verb_may_be_repeated_after_a_lost_reply(
        self, queue: Queue, other: Queue, verb: Callable[[Queue, Claim], object]
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        verb(queue, found)
        before = queue.job(job_id(1))
        verb(other, found)
        verb(queue, found)
        assert queue.job(job_id(1)) == before
        assert len(told(queue)) == (before.state != "queued")

    @each_verb
    def test_a_claim_that_has_ended_cannot_end_otherwise(
        self, queue: Queue, verb: Callable[[Queue, Claim], object]
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        verb(queue, found)
        before = queue.job(job_id(1))
        for another in VERBS.values():
            if another is not verb and not {another, verb} <= COMPLETING:
                with pytest.raises(LeaseLost):
                    another(queue, found)
        with pytest.raises(LeaseLost):
            queue.beat(found.lease, lease_seconds=30)
        assert queue.job(job_id(1)) == before

    @each_verb
    def test_a_job_that_the_queue_does_not_know_is_nobodys(
        self, queue: Queue, verb: Callable[[Queue, Claim], object]
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        stranger = Claim(
            lease=Lease(job_id=job_id(2), token=found.lease.token),
            queue=found.queue,
            job_type=found.job_type,
            rerouted=found.rerouted,
            attempt=found.attempt,
            payload=found.payload,
        )
        with pytest.raises(LeaseLost):
            verb(queue, stranger)

    def test_tokens_grow_through_every_way_of_waiting_again(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        tokens = []
        for verb in ("retry_later", "hand_back", "fail", "cancelled", "reroute", "complete"):
            found = claimed(queue, "sdxl_queue", "wan_queue")
            tokens.append(found.lease.token)
            VERBS[verb](queue, found)
            site.pass_time(61)
            if queue.job(job_id(1)).state in ("failed", "cancelled"):
                queue.retry(job_id(1))
        assert len(set(tokens)) == 6
        assert tokens == sorted(tokens)
