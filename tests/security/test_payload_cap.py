"""A payload is 256 KB at most, on every queue; what is larger is never read, and goes to the dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from ourvidz.jobs.envelope import MAX_PAYLOAD
from ourvidz.jobs.queue import Queue
from ourvidz.runtime.upstash.front import Front
from tests.conformance.jobs import job_id, payload
from tests.conformance.site import QueueSite, claim, claimed
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite, open_rest_queue
from tests.runtime.sqlite_site import SqliteSite

CAP = 256 * 1024


@pytest.fixture(params=["sqlite", "redis", "upstash"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer, front: Front
) -> QueueSite:
    sites: dict[str, QueueSite] = {
        "sqlite": SqliteSite(tmp_path / "queue.sqlite3"),
        "redis": RedisSite(redis_server.port),
        "upstash": RedisSite(front.server_port, connects=open_rest_queue),
    }
    return sites[request.param]


@pytest.fixture
def queue(site: QueueSite) -> Iterator[Queue]:
    with closing(site.open()) as queue:
        yield queue


def test_payload_cap_256_kb(queue: Queue) -> None:
    assert MAX_PAYLOAD == CAP
    queue.push("sdxl_queue", payload(1).ljust(CAP))
    queue.push("sdxl_queue", payload(2).ljust(CAP + 1))
    queue.push("sdxl_queue", payload(3))
    assert [claimed(queue).lease.job_id, claimed(queue).lease.job_id] == [job_id(1), job_id(3)]
    assert claim(queue) is None
    [letter] = queue.dead_letters.list()
    # Its id is not known: that much of it was not read.
    assert (letter.job_id, len(letter.payload)) == (None, CAP + 1)
    assert letter.failure.message == f"payload: found {CAP + 1} bytes, expected at most {CAP}"


def test_what_is_larger_is_not_even_fetched_from_a_server(redis_server: RedisServer) -> None:
    """A producer that pushes by itself is held to nothing."""
    with redis_server.client() as producer, closing(RedisSite(redis_server.port).open()) as queue:
        producer.lpush("sdxl_queue", payload(1).ljust(64 * CAP))
        before = sent(producer)
        assert claim(queue) is None
        assert sent(producer) - before < CAP
        assert producer.llen("sdxl_queue") == 0
        assert producer.hlen("test:letters") == 1


def sent(client: redis.Redis) -> int:
    """Bytes that the server has sent to anybody."""
    told = client.info("stats")
    assert isinstance(told, dict)
    return int(told["total_net_output_bytes"])
