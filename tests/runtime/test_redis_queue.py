"""What only a Redis has: producers that push by themselves, a clock and a memory of its own, a way to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import redis

from ourvidz.jobs.envelope import EnvelopeInvalid
from ourvidz.jobs.queue import Claim, LeaseLost, QueueUnavailable
from ourvidz.jobs.wire import read_envelope
from ourvidz.runtime.queue.redis import CommandRefused, RedisQueue
from ourvidz.runtime.queue.redis.eviction import ServerEvicts
from ourvidz.spec.settings import QueueEntry
from tests.conformance.jobs import FAILURE, envelope, job_id, payload, result
from tests.conformance.site import claim, claimed, told
from tests.jobs.deployed_payloads import JULY_2025, LATEST, wrapped
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite

HOUR = 3600.0


@pytest.fixture
def site(redis_server: RedisServer) -> RedisSite:
    return RedisSite(redis_server.port)


@pytest.fixture
def queue(site: RedisSite) -> Iterator[RedisQueue]:
    with closing(site.open()) as queue:
        yield queue


@pytest.fixture
def other(site: RedisSite) -> Iterator[RedisQueue]:
    with closing(site.open()) as queue:
        yield queue


@pytest.fixture
def producer(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """The server as an edge function sees it."""
    with redis_server.client() as client:
        yield client


class TestProducers:
    def test_a_plain_push_is_a_job(self, producer: redis.Redis, queue: RedisQueue) -> None:
        producer.lpush("sdxl_queue", payload(1), payload(2))
        assert [claimed(queue).lease.job_id for _ in range(2)] == [job_id(1), job_id(2)]
        assert producer.llen("sdxl_queue") == 0

    @pytest.mark.parametrize(
        "pushed", [json.dumps(JULY_2025).encode(), wrapped(LATEST)], ids=["july", "latest"]
    )
    def test_what_deployed_functions_push_is_a_job(
        self, producer: redis.Redis, queue: RedisQueue, pushed: bytes
    ) -> None:
        producer.lpush("sdxl_queue", pushed)
        found = claimed(queue)
        assert (found.lease.job_id, found.payload) == (read_envelope(pushed).job_id, pushed)

    def test_a_queue_pushed_from_the_right_is_taken_from_the_left(
        self, redis_server: RedisServer, producer: redis.Redis
    ) -> None:
        site = RedisSite(redis_server.port, {"sdxl_queue": QueueEntry(push="right")})
        producer.rpush("sdxl_queue", payload(1), payload(2))
        with closing(site.open()) as queue:
            assert [claimed(queue).lease.job_id for _ in range(2)] == [job_id(1), job_id(2)]

    def test_an_older_queue_is_filled_as_the_one_that_replaces_it(
        self, redis_server: RedisServer, producer: redis.Redis
    ) -> None:
        entry = QueueEntry(push="right", replaces="job_queue")
        producer.rpush("job_queue", payload(1), payload(2))
        with closing(RedisSite(redis_server.port, {"wan_queue": entry}).open()) as queue:
            found = [claimed(queue, "wan_queue", "job_queue") for _ in range(2)]
        assert [(one.lease.job_id, one.queue) for one in found] == [
            (job_id(1), "job_queue"),
            (job_id(2), "job_queue"),
        ]

    def test_a_lookup_knows_what_nobody_has_claimed_yet(
        self, redis_server: RedisServer, producer: redis.Redis
    ) -> None:
        producer.lpush("sdxl_queue", *[payload(number) for number in range(600)])
        with closing(RedisSite(redis_server.port, {"sdxl_queue": QueueEntry()}).open()) as queue:
            assert queue.ahead(job_id(599)) == {"sdxl_image_fast": 599}

    def test_a_claim_takes_in_a_part_of_a_long_list_at_a_time(
        self, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        producer.lpush("sdxl_queue", *[payload(number) for number in range(600)])
        left = []
        for number in range(3):
            assert claimed(queue).lease.job_id == job_id(number)
            left.append(producer.llen("sdxl_queue"))
        assert left == [600 - 256, 600 - 512, 0]

    def test_a_claim_takes_in_few_large_payloads_at_a_time(
        self, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        large = [envelope(number, metadata={"note": "x" * 200_000}).to_payload() for number in range(20)]
        producer.lpush("sdxl_queue", *large)
        assert claimed(queue).lease.job_id == job_id(0)
        assert 10 <= producer.llen("sdxl_queue") < 20
        assert [claimed(queue).lease.job_id for _ in range(19)] == [job_id(number) for number in range(1, 20)]

    def test_a_payload_of_ten_megabytes_is_kept_and_not_read(
        self, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        huge = b"[" * 10_000_000
        producer.lpush("sdxl_queue", huge, payload(1))
        assert claimed(queue).lease.job_id == job_id(1)
        [letter] = queue.dead_letters.list()
        assert letter.payload == huge
        assert "found 10000000 bytes, expected at most 262144" in letter.failure.message

    @pytest.mark.parametrize("number", ["9007199254740993", "1e999", "NaN", "0.1e1"])
    def test_python_decides_what_a_number_is(
        self, producer: redis.Redis, queue: RedisQueue, number: str
    ) -> None:
        odd = payload(1).replace(b'"seed":null', f'"seed":{number}'.encode())
        assert odd != payload(1)
        with pytest.raises(EnvelopeInvalid) as refused:
            read_envelope(odd)
        producer.lpush("sdxl_queue", odd)
        assert claim(queue) is None
        [letter] = queue.dead_letters.list()
        assert (letter.payload, letter.failure.message) == (odd, str(refused.value))

    def test_workers_who_read_the_same_items_file_each_once(
        self, producer: redis.Redis, queue: RedisQueue, other: RedisQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        producer.lpush("sdxl_queue", payload(1), b"?", payload(2), b"?")
        run = queue._scripts.run
        interrupted: list[Claim] = []

        def run_late(name: str, ask: dict[str, object], *rest: object) -> list[bytes]:
            if "filings" in ask and not interrupted:
                interrupted.append(claimed(other))
                producer.lpush("sdxl_queue", b"?", payload(3))
            return run(name, ask, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(queue._scripts, "run", run_late)
        assert claimed(queue).lease.job_id == job_id(2)
        assert claimed(queue).lease.job_id == job_id(3)
        assert [one.lease.job_id for one in interrupted] == [job_id(1)]
        assert [letter.payload for letter in queue.dead_letters.list()] == [b"?"] * 3
        assert claim(other) is None

    def test_two_deployments_share_a_server(self, producer: redis.Redis, queue: RedisQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        assert claimed(queue)
        keys = {key.decode().partition(":")[0] for key in producer.scan_iter()}
        assert keys == {"test"}


class TestClockSteps:
    def test_a_clock_set_forward_does_not_take_a_job_from_a_worker_that_beats(
        self, site: RedisSite, queue: RedisQueue, other: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        site.pass_time(HOUR)
        assert other.job(job_id(1)).state == "queued"
        assert queue.beat(found.lease, lease_seconds=30) == "ok"
        assert claim(other) is None
        queue.complete(found.lease, result(found))

    def test_a_clock_set_back_does_not_keep_a_dead_workers_job(
        self, site: RedisSite, queue: RedisQueue, other: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue, lease=30)
        site.pass_time(-HOUR)
        assert claim(other) is None, "expected the lease to run for its full length from now"
        site.pass_time(31)
        assert claimed(other).lease.job_id == job_id(1)

    def test_a_clock_set_back_does_not_stretch_a_delay(self, site: RedisSite, queue: RedisQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.retry_later(claimed(queue).lease, FAILURE, delay=10)
        site.pass_time(-HOUR)
        assert claim(queue) is None
        site.pass_time(11)
        assert claimed(queue).attempt == 2

    def test_a_clock_set_back_does_not_hold_an_event_up(self, site: RedisSite, queue: RedisQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        [entry] = queue.outbox.claim(limit=1, lease_seconds=30)
        queue.outbox.failed(entry, delay=60, reason="503")
        site.pass_time(-HOUR)
        assert len(queue.outbox.claim(limit=1, lease_seconds=30)) == 1

    def test_a_time_that_a_step_made_negative_is_no_typical_time(
        self, site: RedisSite, queue: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        site.pass_time(-HOUR)
        queue.complete(found.lease, result(found))
        assert queue.typical_seconds("sdxl_image_fast") is None


class TestTrouble:
    def test_forgotten_scripts_do_no_harm(self, producer: redis.Redis, queue: RedisQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        producer.script_flush()
        found = claimed(queue)
        producer.script_flush()
        queue.complete(found.lease, result(found))
        assert [event.status for event in told(queue)] == ["completed"]

    def test_a_full_server_refuses_producers_and_lets_workers_empty_it(
        self, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.push("sdxl_queue", payload(2))
        with full(producer):
            with pytest.raises(QueueUnavailable, match="no memory left"):
                queue.push("sdxl_queue", payload(3))
            for _ in range(2):
                found = claimed(queue)
                queue.beat(found.lease, lease_seconds=30)
                queue.complete(found.lease, result(found))
                assert len(told(queue)) == 1
            assert claim(queue) is None

    def test_no_job_is_taken_from_a_server_that_deletes_keys_when_it_is_full(
        self, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        producer.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(ServerEvicts, match="found allkeys-lru"):
                claim(queue)
        finally:
            producer.config_set("maxmemory-policy", "noeviction")
        assert claimed(queue).lease.job_id == job_id(1)

    def test_a_lost_reply_is_asked_for_again(
        self, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        assert claim(queue, "wan_queue") is None
        lose_replies(queue, monkeypatch)
        found = claimed(queue)
        assert queue.beat(found.lease, lease_seconds=30) == "ok"
        queue.complete(found.lease, result(found))
        with pytest.raises(LeaseLost):
            queue.beat(found.lease, lease_seconds=30)

    def test_a_push_whose_reply_was_lost_is_not_repeated(
        self, producer: redis.Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        lose_replies(queue, monkeypatch)
        with pytest.raises(QueueUnavailable):
            queue.push("sdxl_queue", b"?")
        assert producer.llen("sdxl_queue") == 1

    def test_a_key_of_another_program_is_told_of(self, producer: redis.Redis, queue: RedisQueue) -> None:
        producer.set("sdxl_queue", "notes")
        with pytest.raises(CommandRefused, match="WRONGTYPE"):
            queue.push("sdxl_queue", payload(1))
        with pytest.raises(CommandRefused, match="WRONGTYPE"):
            claim(queue)
        assert producer.get("sdxl_queue") == b"notes"


def lose_replies(queue: RedisQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the reply to every other command never comes, though the command is done."""
    command, number = queue._connection.command, 0

    def losing(*parts: str | bytes | int | float, timeout: float | None = None) -> object:
        nonlocal number
        number += 1
        reply = command(*parts, timeout=timeout)
        if number % 2:
            raise QueueUnavailable("the reply was lost")
        return reply

    monkeypatch.setattr(queue._connection, "command", losing)


@contextmanager
def full(server: redis.Redis) -> Iterator[None]:
    server.config_set("maxmemory", "1mb")
    try:
        yield
    finally:
        server.config_set("maxmemory", "0")


class TestEffort:
    @pytest.mark.parametrize("only", [None, ["image_fast"]])
    def test_a_cycle_takes_as_many_commands_whatever_the_number_of_waiting_jobs(
        self, producer: redis.Redis, queue: RedisQueue, only: list[str] | None
    ) -> None:
        kinds = ("image_fast", "image_high", "video_fast")
        pushed = 0
        effort = []
        for waiting in (30, 1500):
            while pushed < waiting:
                producer.lpush("wan_queue", payload(pushed, job_type=kinds[pushed % 3]))
                pushed += 1
            # Every claim takes in a part of the list.
            while producer.llen("wan_queue"):
                found = claimed(queue, "wan_queue")
                queue.complete(found.lease, result(found))
            told(queue)
            for _ in ("the server learns the scripts", "it knows them"):
                producer.config_resetstat()
                found = claimed(queue, "wan_queue", only=only)
                assert queue.ahead(job_id(waiting - 1)) is not None
                queue.beat(found.lease, lease_seconds=30)
                queue.complete(found.lease, result(found))
                assert len(told(queue)) == 1
                stats = producer.info("commandstats")
            effort.append(sum(one["calls"] for one in stats.values()))
        assert effort[0] == effort[1]

    def test_a_part_is_forgotten_at_a_time(self, site: RedisSite, queue: RedisQueue) -> None:
        for number in range(1001):
            queue.push("wan_queue", payload(number))
            queue.fail(claimed(queue, "wan_queue").lease, FAILURE)
        while told(queue):
            pass
        site.pass_time(HOUR)
        assert [queue.trim(older_than=60) for _ in range(3)] == [1000, 1, 0]

    def test_a_user_whose_jobs_were_cancelled_leaves_no_turn(
        self, queue: RedisQueue, producer: redis.Redis
    ) -> None:
        for number in range(3):
            queue.push("sdxl_queue", payload(number))
        assert producer.zcard("test:users") == 3
        for number in range(3):
            queue.cancel(job_id(number))
        assert not producer.exists("test:users", "test:turns")

    def test_nothing_is_left_of_what_was_forgotten(
        self, site: RedisSite, producer: redis.Redis, queue: RedisQueue
    ) -> None:
        queue.push("sdxl_queue", envelope(1, metadata={"project": "demo"}).to_payload())
        found = claimed(queue)
        queue.complete(found.lease, result(found))
        queue.push("sdxl_queue", b"?")
        assert claim(queue) is None
        assert len(told(queue)) == 1
        site.pass_time(HOUR)
        assert (queue.trim(older_than=60), queue.dead_letters.purge(older_than=60)) == (1, 1)
        keys = {key.decode() for key in producer.scan_iter()}
        assert keys == {"test:counters", "test:queues", "test:seconds", "test:turns"}
