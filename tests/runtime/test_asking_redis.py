"""What edge functions ask Redis by the generated module, over ``@upstash/redis``, beside a worker's queue."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ourvidz.jobs.redis import scripts
from ourvidz.runtime.queue.redis import RedisQueue
from ourvidz.runtime.upstash.front import Front
from tests.conformance.jobs import OTHER_USER, USER, envelope, job_id, payload, result
from tests.conformance.site import claimed, told
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.servers.node import node, node_packages
from tests.servers.upstash import TOKEN

MODULE = Path(__file__).parents[2] / "supabase/functions/_shared/routing.ts"
QUEUE = "sdxl_queue"

Ask = Callable[[str], Any]


@pytest.fixture
def ask(front: Front, tmp_path: Path) -> Ask:
    """Runs an expression that has the module as ``m``, and ``run`` for what it asks; returns its value."""
    (tmp_path / "node_modules").symlink_to(node_packages())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "routing.ts").write_text(MODULE.read_text())

    def run(expression: str) -> Any:
        script = f"""
            import {{ Redis }} from "@upstash/redis";
            import * as m from "./routing.ts";
            const redis = new Redis({{
                url: {json.dumps(front.url)}, token: {json.dumps(TOKEN)}, enableTelemetry: false,
            }});
            const run = (call) => redis.eval(call.script, call.keys, call.args);
            console.log(JSON.stringify({expression}));
        """
        command = [str(node()), "--no-warnings", "--input-type=module", "--eval", script]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run


@pytest.fixture
def queue(redis_server: RedisServer) -> Iterator[RedisQueue]:
    opened = RedisSite(redis_server.port).open()
    yield opened
    opened.close()


def _holding(number: int, token: int) -> str:
    return f'm.readHolding(await run(m.askHolding("{job_id(number)}", {token}, "test")))'


def _standing(number: int, user: str = USER) -> str:
    job = {"jobId": job_id(number), "jobType": "sdxl_image_fast", "userId": user}
    return f'm.readStanding("sdxl_image_fast", await run(m.askStanding({json.dumps(job)}, "test")))'


def _cancelling(number: int) -> str:
    return f'm.readCancelling(await run(m.askCancelling("{job_id(number)}", "{QUEUE}", "test")))'


def test_the_module_sends_the_very_scripts_that_workers_send(ask: Ask) -> None:
    sent = ask(
        '[m.askHolding("a", 1), m.askStanding({jobId: "a", jobType: "video_fast", userId: "b"}), '
        'm.askCancelling("a", "q")].map((one) => one.script)'
    )
    assert sent == [scripts.script_of(name).text for name in ("holds", "position", "cancel")]


def test_only_the_newest_claim_of_a_job_that_has_not_ended_holds_it(ask: Ask, queue: RedisQueue) -> None:
    queue.push(QUEUE, payload(1))
    first = claimed(queue, QUEUE)
    assert ask(
        f"[{_holding(1, first.lease.token)}, {_holding(1, first.lease.token + 1)}, {_holding(9, 1)}]"
    ) == [
        {"userId": USER, "jobType": "sdxl_image_fast"},
        None,
        None,
    ]
    queue.hand_back(first.lease)
    second = claimed(queue, QUEUE)
    assert ask(_holding(1, first.lease.token)) is None
    assert ask(_holding(1, second.lease.token)) is not None
    queue.complete(second.lease, result(second))
    assert ask(_holding(1, second.lease.token)) is None


def test_a_job_that_no_worker_has_read_stands_behind_what_was_pushed_before_it(
    ask: Ask, redis_server: RedisServer
) -> None:
    with redis_server.client() as producer:
        for number in range(3):
            producer.lpush(QUEUE, payload(number))
    assert ask(_standing(2)) == {"queuePosition": 3, "estimatedTime": 15}


def test_a_job_stands_where_it_will_stand_once_a_worker_has_read_it(
    ask: Ask, queue: RedisQueue, redis_server: RedisServer
) -> None:
    for number in range(4):
        queue.push(QUEUE, payload(number))
    queue.push(QUEUE, payload(4, user=OTHER_USER))
    with redis_server.client() as producer:
        producer.lpush(QUEUE, payload(5, user=OTHER_USER))
    unread = ask(_standing(5, OTHER_USER))
    ahead = queue.ahead(job_id(5))
    assert ahead is not None
    assert unread["queuePosition"] == sum(ahead.values()) + 1
    assert ask(_standing(5, OTHER_USER)) == unread
    assert unread["queuePosition"] < ask(_standing(3))["queuePosition"]


def test_times_are_measured_ones_where_there_are_any(ask: Ask, redis_server: RedisServer) -> None:
    site = RedisSite(redis_server.port)
    queue = site.open()
    for number in range(3):
        queue.push(QUEUE, payload(number))
    lease = claimed(queue, QUEUE)
    site.pass_time(20)
    queue.complete(lease.lease, result(lease))
    standing = ask(_standing(2))
    queue.close()
    assert standing["queuePosition"] == 2
    assert standing["estimatedTime"] == pytest.approx(40, abs=2)


def test_a_job_that_has_started_has_no_place_in_line(ask: Ask, queue: RedisQueue) -> None:
    queue.push(QUEUE, payload(1))
    claimed(queue, QUEUE)
    assert ask(_standing(1)) == {"queuePosition": None, "estimatedTime": 5}


def test_a_waiting_job_is_cancelled_and_a_callback_says_so(ask: Ask, queue: RedisQueue) -> None:
    queue.push(QUEUE, payload(1))
    assert ask(f"[{_cancelling(1)}, {_cancelling(1)}]") == ["cancelled", "cancelled"]
    assert [(one.job_id, one.status) for one in told(queue)] == [(job_id(1), "cancelled")]


def test_a_running_job_is_asked_to_stop(ask: Ask, queue: RedisQueue) -> None:
    queue.push(QUEUE, payload(1))
    lease = claimed(queue, QUEUE).lease
    assert ask(_cancelling(1)) == "processing"
    assert queue.beat(lease, lease_seconds=30.0) == "cancel"


def test_an_ended_job_and_an_unknown_one_stay_what_they_are(ask: Ask, queue: RedisQueue) -> None:
    queue.push(QUEUE, payload(1))
    done = claimed(queue, QUEUE)
    queue.complete(done.lease, result(done))
    assert ask(f"[{_cancelling(1)}, {_cancelling(2)}]") == ["completed", "unknown"]


def test_a_payload_that_no_worker_has_read_is_taken_off_its_list(
    ask: Ask, queue: RedisQueue, redis_server: RedisServer
) -> None:
    mentions = envelope(3, metadata={"before": job_id(1)}).to_payload()
    with redis_server.client() as producer:
        producer.lpush(QUEUE, b"no JSON, but " + job_id(1).encode(), *map(payload, range(600)), mentions)
        assert ask(f"[{_cancelling(1)}, {_cancelling(1)}]") == ["withdrawn", "unknown"]
        assert producer.llen(QUEUE) == 601
    assert [one.job_id for one in queue.jobs(limit=1000) if one.job_id == job_id(1)] == []
