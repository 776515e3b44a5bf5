"""Whatever producers push onto a Redis list is afterwards a job, a dead letter or a duplicate."""

from __future__ import annotations

from contextlib import closing

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.jobs import result
from tests.conformance.site import claim, told
from tests.jobs.malformed import malformed_payloads
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.runtime.test_sqlite_arrivals import job_id_of


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(malformed_payloads(), max_size=8))
def test_nothing_that_is_pushed_is_lost(redis_server: RedisServer, payloads: list[bytes]) -> None:
    with redis_server.client() as producer, closing(RedisSite(redis_server.port).open()) as queue:
        producer.flushall()
        for payload in payloads:
            producer.lpush("sdxl_queue", payload)
        claimed = []
        while found := claim(queue):
            claimed.append(found.lease.job_id)
            queue.complete(found.lease, result(found))
        ids = [job_id_of(payload) for payload in payloads]
        assert sorted(claimed) == sorted({one for one in ids if one is not None})
        buried = [letter.payload for letter in queue.dead_letters.list(limit=100)]
        assert sorted(buried) == sorted(
            payload for payload, one in zip(payloads, ids, strict=True) if one is None
        )
        events: list[str] = []
        while more := told(queue):
            events += [event.job_id for event in more if event.status == "completed"]
        assert sorted(events) == sorted(claimed)
        assert producer.llen("sdxl_queue") == 0
