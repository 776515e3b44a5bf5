"""Push, wait and claim."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from ourvidz.jobs.envelope import MAX_PAYLOAD
from ourvidz.jobs.queue import Queue
from tests.conformance.jobs import FAILURE, OTHER_USER, envelope, job_id, payload, result
from tests.conformance.site import OnQueue, QueueSite, claim, claimed, told


class Pushing(OnQueue):
    """A payload becomes a job, a dead letter or is a duplicate; nothing is refused."""

    def test_a_pushed_job_is_claimed_as_it_was_pushed(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        assert (found.lease.job_id, found.payload) == (job_id(1), payload(1))
        assert (found.queue, found.job_type, found.attempt) == ("sdxl_queue", "sdxl_image_fast", 1)
        assert not found.rerouted

    def test_a_pushed_job_outlives_the_handle_that_pushed_it(self, site: QueueSite, queue: Queue) -> None:
        pushing = site.open()
        pushing.push("sdxl_queue", payload(1))
        pushing.close()
        assert claimed(queue).lease.job_id == job_id(1)

    def test_a_job_that_is_pushed_again_is_dropped(self, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        other.push("sdxl_queue", payload(1))
        other.push("wan_queue", payload(1))
        found = claimed(queue)
        queue.push("sdxl_queue", payload(1))
        assert claim(queue, "sdxl_queue", "wan_queue") is None
        queue.complete(found.lease, result(found))
        queue.push("sdxl_queue", payload(1))
        assert claim(queue, "sdxl_queue", "wan_queue") is None
        assert queue.job(job_id(1)).state == "completed"
        assert queue.dead_letters.list() == []

    @pytest.mark.parametrize("broken", [b"", b"\xff\x00", b"[]", b'{"version": 1}', b"[" * 100_000])
    def test_what_is_no_envelope_becomes_a_dead_letter(self, queue: Queue, broken: bytes) -> None:
        queue.push("sdxl_queue", broken)
        queue.push("sdxl_queue", payload(1))
        assert claimed(queue).lease.job_id == job_id(1)
        [letter] = queue.dead_letters.list()
        assert (letter.queue, letter.payload, letter.job_id) == ("sdxl_queue", broken, None)
        assert (letter.failure.code, letter.attempt) == ("envelope_invalid", 0)
        assert told(queue) == []

    def test_a_payload_beyond_the_limit_becomes_a_dead_letter(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1).ljust(MAX_PAYLOAD + 1))
        assert claim(queue) is None
        assert len(queue.dead_letters.list()) == 1

    def test_an_unreadable_job_whose_id_can_be_read_has_failed(self, queue: Queue) -> None:
        broken = json.dumps({"version": 7, "job_id": job_id(1)}).encode()
        queue.push("sdxl_queue", broken)
        queue.push("sdxl_queue", broken)
        assert claim(queue) is None
        assert {letter.job_id for letter in queue.dead_letters.list()} == {job_id(1)}
        [event] = told(queue)
        assert (event.job_id, event.status, event.user_id) == (job_id(1), "failed", None)
        assert event.error is not None
        assert event.error.code == "envelope_invalid"

    def test_an_unreadable_payload_does_not_fail_the_job_whose_id_it_bears(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", json.dumps({"version": 7, "job_id": job_id(1)}).encode())
        assert claimed(queue).lease.job_id == job_id(1)
        assert len(queue.dead_letters.list()) == 1
        assert told(queue) == []

    def test_a_job_that_is_pushed_rightly_after_all_runs_and_is_told_of(self, queue: Queue) -> None:
        queue.push("sdxl_queue", json.dumps({"version": 7, "job_id": job_id(1)}).encode())
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        queue.complete(found.lease, result(found))
        failed, completed = told(queue) + told(queue)
        assert (failed.status, completed.status) == ("failed", "completed")
        assert completed.sequence > failed.sequence


class Claiming(OnQueue):
    """Highest priority first, then first in, first out."""

    def test_nothing_is_claimed_where_nothing_waits(self, queue: Queue) -> None:
        assert claim(queue) is None

    def test_first_in_first_out(self, queue: Queue) -> None:
        numbers = [4, 1, 3, 2]
        for number in numbers:
            queue.push("sdxl_queue", payload(number))
        assert [claimed(queue).lease.job_id for _ in numbers] == [job_id(number) for number in numbers]

    def test_first_in_first_out_whatever_the_types_and_queues(self, queue: Queue) -> None:
        places = [("b", "wan_queue"), ("a", "sdxl_queue"), ("b", "sdxl_queue"), ("a", "wan_queue")]
        for number, (job_type, name) in enumerate(places):
            queue.push(name, payload(number, job_type=job_type))
        found = [claimed(queue, "sdxl_queue", "wan_queue") for _ in places]
        assert [one.lease.job_id for one in found] == [job_id(number) for number in range(4)]
        assert [(one.job_type, one.queue) for one in found] == places

    def test_a_higher_priority_goes_first(self, queue: Queue) -> None:
        for number, priority in enumerate([0, -5, 10, 0]):
            queue.push("sdxl_queue", payload(number, priority=priority))
        assert [claimed(queue).lease.job_id for _ in range(4)] == [job_id(one) for one in (2, 0, 3, 1)]

    def test_other_queues_are_left_alone(self, queue: Queue) -> None:
        queue.push("wan_queue", payload(1))
        assert claim(queue) is None
        assert claimed(queue, "wan_queue").lease.job_id == job_id(1)

    def test_only_limits_a_claim_to_some_types(self, queue: Queue) -> None:
        for number, job_type in enumerate(["image_fast", "image_high", "video_fast"]):
            queue.push("sdxl_queue", payload(number, job_type=job_type))
        assert claim(queue, only=[]) is None
        assert claim(queue, only=["video_high"]) is None
        assert claimed(queue, only=["video_fast", "image_high"]).job_type == "image_high"
        assert claimed(queue, only=["video_fast", "image_high"]).job_type == "video_fast"
        assert claimed(queue).job_type == "image_fast"

    def test_a_claim_asked_again_under_its_nonce_is_the_same(self, queue: Queue, other: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        first = claimed(queue, nonce="lost reply")
        assert claimed(other, nonce="lost reply") == first
        assert claimed(queue, nonce="another").lease.job_id == job_id(1)
        assert claimed(queue, nonce="lost reply") == first

    def test_a_claim_asked_again_renews_its_lease(self, site: QueueSite, queue: Queue, other: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue, nonce="lost reply")
        site.pass_time(20)
        claimed(queue, nonce="lost reply")
        site.pass_time(20)
        assert claim(other) is None

    def test_a_nonce_whose_claim_has_ended_claims_anew(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        first = claimed(queue, nonce="again")
        queue.complete(first.lease, result(first))
        assert claimed(queue, nonce="again").lease.job_id == job_id(2)

    def test_two_processes_never_get_the_same_job(self, site: QueueSite, queue: Queue) -> None:
        count = 60
        for number in range(count):
            queue.push("sdxl_queue", payload(number))
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            halves = [pool.submit(claim_all, site.opener, name) for name in ("first", "second")]
            taken = [one for half in halves for one in half.result()]
        assert sorted(taken) == sorted(job_id(number) for number in range(count))


class TakingTurns(OnQueue):
    """One user's many jobs do not keep another's few from starting."""

    def test_users_take_turns_within_a_queue(self, queue: Queue) -> None:
        for number in range(4):
            queue.push("sdxl_queue", payload(number))
        for number in (4, 5):
            queue.push("sdxl_queue", payload(number, user=OTHER_USER))
        assert order(queue) == [0, 4, 1, 5, 2, 3]

    def test_who_comes_late_starts_with_those_that_start_now(self, queue: Queue) -> None:
        for number in range(6):
            queue.push("sdxl_queue", payload(number))
        for _ in range(3):
            claimed(queue)
        queue.push("sdxl_queue", payload(6, user=OTHER_USER))
        queue.push("sdxl_queue", payload(7, user=OTHER_USER))
        assert order(queue) == [3, 6, 4, 7, 5], "expected no turns saved up, and none lost"

    def test_who_has_nothing_waiting_is_not_held_to_what_he_had(self, queue: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
            claimed(queue)
        queue.push("sdxl_queue", payload(3, user=OTHER_USER))
        queue.push("sdxl_queue", payload(4))
        assert order(queue) == [3, 4]

    def test_a_priority_comes_before_turns(self, queue: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number, priority=5))
        queue.push("sdxl_queue", payload(3, user=OTHER_USER))
        assert order(queue) == [0, 1, 2, 3]

    def test_turns_count_whatever_the_type(self, queue: Queue) -> None:
        for number, job_type in enumerate(["b", "b", "a"]):
            queue.push("sdxl_queue", payload(number, job_type=job_type))
        queue.push("sdxl_queue", payload(3, job_type="c", user=OTHER_USER))
        assert order(queue) == [0, 3, 1, 2]

    def test_a_busy_queue_does_not_stand_behind_one_that_has_handed_out_less(self, queue: Queue) -> None:
        for number in range(20):
            queue.push("sdxl_queue", payload(number))
            claimed(queue)
        queue.push("sdxl_queue", payload(20))
        queue.push("wan_queue", payload(21))
        assert order(queue, "sdxl_queue", "wan_queue") == [20, 21]

    def test_a_job_that_is_put_back_keeps_its_turn(self, queue: Queue) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        first = claimed(queue)
        queue.push("sdxl_queue", payload(3, user=OTHER_USER))
        queue.retry_later(first.lease, FAILURE, delay=0)
        assert order(queue) == [0, 1, 3, 2]

    def test_a_position_is_told_in_the_order_of_turns(self, queue: Queue) -> None:
        for number in range(5):
            queue.push("sdxl_queue", payload(number))
        queue.push("sdxl_queue", payload(5, user=OTHER_USER))
        assert queue.ahead(job_id(5)) == {"sdxl_image_fast": 1}
        assert queue.ahead(job_id(4)) == {"sdxl_image_fast": 5}


def order(queue: Queue, *queues: str) -> list[int]:
    """Claim all that waits; returns the numbers of the jobs."""
    found = []
    while one := claim(queue, *queues, lease=600.0):
        found.append(one.lease.job_id)
    return [next(number for number in range(100) if job_id(number) == one) for one in found]


def claim_all(opener: Callable[[], Queue], name: str) -> list[str]:
    """Claim until nothing waits, in a process of its own."""
    queue = opener()
    taken: list[str] = []
    while found := claim(queue, nonce=f"{name}-{len(taken)}", lease=600.0):
        taken.append(found.lease.job_id)
    queue.close()
    return taken


class Waiting(OnQueue):
    """Waiting ends when a claim may find something."""

    def test_waiting_ends_at_once_where_a_job_waits(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        assert queue.wait(["wan_queue", "sdxl_queue"], timeout=60)

    def test_waiting_ends_without_a_job_after_its_time(self, queue: Queue) -> None:
        queue.push("wan_queue", payload(1))
        assert not queue.wait(["sdxl_queue"], timeout=0.05)

    def test_waiting_ends_when_another_handle_pushes(self, site: QueueSite, queue: Queue) -> None:
        ready = threading.Event()

        def push() -> None:
            pushing = site.open()
            ready.wait(30)
            pushing.push("sdxl_queue", payload(1))
            pushing.close()

        thread = threading.Thread(target=push)
        thread.start()
        assert not queue.wait(["sdxl_queue"], timeout=0)
        ready.set()
        assert queue.wait(["sdxl_queue"], timeout=30)
        thread.join()
        assert claimed(queue).lease.job_id == job_id(1)

    def test_waiting_heeds_only_the_types_that_can_be_claimed(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1, job_type="image_fast"))
        assert not queue.wait(["sdxl_queue"], timeout=0, only=["image_high"])
        assert queue.wait(["sdxl_queue"], timeout=60, only=["image_fast"])

    def test_waiting_ends_when_a_lease_runs_out(self, site: QueueSite, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue)
        assert not queue.wait(["sdxl_queue"], timeout=0)
        site.pass_time(31)
        assert queue.wait(["sdxl_queue"], timeout=60)

    def test_metadata_of_any_size_is_carried_along(self, queue: Queue) -> None:
        large = envelope(1, metadata={"note": "x" * 200_000, "list": [1, {"a": None}]})
        queue.push("sdxl_queue", large.to_payload())
        found = claimed(queue)
        queue.complete(found.lease, result(found))
        assert told(queue)[0].metadata == large.metadata
