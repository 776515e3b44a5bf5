"""Every key that a script touches is passed to it in KEYS, so that an account can be held to them.

The queue's conformance suite runs under the same watch and account; see
tests/runtime/test_redis_conformance.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from ourvidz.jobs.queue import Queue
from ourvidz.jobs.redis.scripts import keys, script_of
from ourvidz.jobs.states import Reason
from tests.conformance.jobs import FAILURE, USER, job_id, payload, result
from tests.conformance.site import claimed
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import open_account_queue
from tests.servers.redis_account import NAME, PASSWORD, RIGHTS, KeyWatch, make_account

STOPPED = Reason(code="output_invalid", message="the picture is black")

HOW_TO = Path(__file__).parents[2] / "docs/how-to/run-on-redis.md"


@pytest.fixture
def account(redis_server: RedisServer) -> Iterator[Any]:
    """A client by the account that the queue gets."""
    with redis_server.client() as client:
        make_account(client, "test", ["sdxl_queue", "wan_queue"])
    with redis.Redis(port=redis_server.port, username=NAME, password=PASSWORD) as client:
        yield client


@pytest.fixture
def queue(redis_server: RedisServer, account: Any) -> Iterator[Queue]:  # noqa: ARG001  it has to be there
    with closing(open_account_queue(redis_server.port, {})) as queue:
        yield queue


def use_every_verb(queue: Queue) -> None:
    for number in range(4):
        queue.push("sdxl_queue", payload(number))
    queue.push("sdxl_queue", b"no job")
    queue.depths()
    queue.ahead(job_id(3))
    lease = claimed(queue).lease
    queue.beat(lease, lease_seconds=30)
    queue.reroute(lease, queue="wan_queue", job_type="wan_video", failure=FAILURE)
    queue.retry_later(claimed(queue).lease, FAILURE, delay=0)
    queue.fail(claimed(queue).lease, FAILURE, dead_letter=True)
    completed = claimed(queue)
    queue.complete(completed.lease, result(completed))
    queue.cancel(job_id(3))
    queue.tell_again(job_id(3))
    queue.tell_lost(job_id(90), FAILURE)
    queue.states([job_id(3)])
    queue.retry(job_id(3))
    queue.job(job_id(3))
    queue.jobs()
    for letter in queue.dead_letters.list():
        queue.dead_letters.retry(letter.id)
    queue.dead_letters.purge(older_than=0)
    first, *others = queue.outbox.claim(limit=10, lease_seconds=30)
    queue.outbox.failed(first, delay=0, reason="away")
    for one in others:
        queue.outbox.delivered(one)
    queue.stops.put(worker="worker", job_type="sdxl_image_fast", failures=3, reason=STOPPED, seconds=30)
    queue.stops.list()
    queue.stops.lift(worker="worker")
    queue.trim(older_than=0)


def ask_as_edge_functions_do(account: Any) -> None:
    """By the scripts that the generated module sends; of a payload that no worker has read, too."""
    account.lpush("sdxl_queue", payload(80))
    standing = {"job_id": job_id(80), "job_type": "sdxl_image_fast", "user_id": USER, "priority": "0"}
    lists = {"lists": [{"queue": "sdxl_queue", "take": "right"}]}
    for name, ask in (
        ("holds", {"job_id": job_id(3), "token": "1"}),
        ("position", standing | lists),
        ("cancel", {"job_id": job_id(80)} | lists),
    ):
        script = script_of(name)
        named = [*keys("test"), "sdxl_queue"]
        arguments = [len(named), *named, "0", json.dumps(ask)]
        account.eval(script.text, *arguments)
        account.evalsha(script.digest, *arguments)


def test_redis_keys_declared(queue: Queue, account: Any, key_watch: KeyWatch) -> None:
    use_every_verb(queue)
    ask_as_edge_functions_do(account)
    seen = key_watch.seen()
    lua = [Path(one.name).stem for one in (files("ourvidz.jobs.redis") / "lua").iterdir()]
    ran = {name for name in lua if name != "library" and script_of(name).digest in seen.digests}
    assert ran == {*lua} - {"library"}, "expected every script to run"
    assert seen.touches > 0
    assert seen.undeclared == []


def test_a_key_that_a_script_makes_up_is_seen(account: Any, key_watch: KeyWatch) -> None:
    """What the test above would say of such a script."""
    account.eval("return redis.call('HGET', KEYS[1] .. ':' .. ARGV[1], 'x')", 1, "test:jobs", "hidden")
    assert key_watch.seen().undeclared == ["HGET test:jobs:hidden"]


@pytest.mark.parametrize("key", ["other:jobs", "tests:jobs", "flux_queue"])
def test_an_account_of_the_queue_reaches_no_other_key(account: Any, key: str) -> None:
    with pytest.raises(NoPermissionError):
        account.get(key)
    with pytest.raises(redis.ResponseError, match="executing the script can"):
        account.eval("return redis.call('GET', ARGV[1])", 0, key)


@pytest.mark.parametrize("command", ["FLUSHALL", "KEYS *", "CONFIG GET dir", "ACL LIST", "SCRIPT FLUSH"])
def test_an_account_of_the_queue_cannot_look_around_or_change_the_server(account: Any, command: str) -> None:
    with pytest.raises(NoPermissionError):
        account.execute_command(*command.split())


def test_the_how_to_gives_these_rights() -> None:
    assert RIGHTS in HOW_TO.read_text()
