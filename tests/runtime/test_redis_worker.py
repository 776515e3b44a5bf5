"""Real workers on a real Redis, fed by producers that know nothing of ourvidz."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.conformance.jobs import envelope, job_id, payload
from tests.conformance.site import claim
from tests.runtime.receivers import KEY_ID, SECRET, Function, serving
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.runtime.test_worker import until_event
from tests.site import Site


@pytest.fixture
def on_redis(site: Site, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project whose queue is on a Redis; results stay in folders, so somebody else reviews them."""
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text() + "review:\n  outputs: elsewhere\n")
    monkeypatch.setenv("OURVIDZ_QUEUE_URL", redis_server.url)
    return site


@pytest.fixture
def client(on_redis: Site) -> Iterator[Client]:
    with Client.open(on_redis.project()) as client:
        yield client


def test_an_idle_worker_is_woken_by_a_plain_push(
    on_redis: Site, client: Client, redis_server: RedisServer
) -> None:
    worker = on_redis.worker()
    until_event(worker, "idle")
    with redis_server.client() as producer:
        producer.lpush("placeholder_queue", envelope(1, job_type="placeholder_fast").to_payload())
    until_event(worker, "job_completed", jobId=job_id(1))
    until_event(worker, "job_told", jobId=job_id(1))
    assert client.status(job_id(1)).status == "completed"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_a_platform_hears_over_http_that_a_job_runs_and_how_it_ended(
    on_redis: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = Function()
    submitted = client.submit("placeholder_fast", prompt="a red barn", params={"steps": 8, "step_time": 0.1})
    with serving(function) as url:
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", url)
        monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"{KEY_ID}:{SECRET}")
        with Worker(on_redis.project(), "placeholder") as worker:
            assert worker.run(burst=True) == 1
    first, *_, last = [json.loads(request.body) for request in function.requests]
    assert (first["job_id"], last["job_id"]) == (submitted, submitted)
    assert (first["status"], last["status"]) == ("processing", "completed")
    assert last["effective_job_type"] == "placeholder_fast"
    assert last["started_at"] < last["at"]


def test_a_killed_workers_job_is_taken_over(
    on_redis: Site, client: Client, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    submitted = client.submit("placeholder_fast", prompt="a red barn", params={"step_time": 5})
    victim = on_redis.worker()
    until_event(victim, "step")
    victim.kill()
    heir = on_redis.worker()
    until_event(heir, "job_started", jobId=submitted, attempt=2)
    client.queue.cancel(submitted)
    eventually(lambda: client.status(submitted).status == "cancelled")


def test_the_commands_work_on_a_redis(on_redis: Site) -> None:
    submitted = on_redis.ourvidz("submit", "placeholder_fast", "--prompt", "a harbour").stdout.strip()
    [row] = json.loads(on_redis.ourvidz("queues", "--json").stdout)
    assert (row["queue"], row["waiting"], row["commandsAMonth"]) == ("placeholder_queue", 1, 311040)
    assert "311,040 commands in 30 days" in on_redis.ourvidz("queues").stdout
    [job] = json.loads(on_redis.ourvidz("jobs", "--json").stdout)
    assert (job["jobId"], job["queuePosition"]) == (submitted, 1)
    assert on_redis.ourvidz("cancel", submitted).stdout == "cancelled\n"


def test_many_short_waits_cost_few_commands(redis_server: RedisServer) -> None:
    with closing(RedisSite(redis_server.port).open()) as queue, redis_server.client() as administrator:
        assert claim(queue) is None
        administrator.config_resetstat()
        for _ in range(50):
            assert not queue.wait(["sdxl_queue"], timeout=0.002)
        looks = administrator.info("commandstats")["cmdstat_evalsha"]["calls"]
        assert looks < 10
        administrator.lpush("sdxl_queue", payload(1))
        assert queue.wait(["sdxl_queue"], timeout=60)
