"""Queues on Redis are opened by their URLs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.jobs.queue import Queue, QueueUnavailable
from ourvidz.runtime.builtin_backends import redis as redis_backends
from ourvidz.runtime.client_libraries import ClientMissing
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.redis import CommandRefused
from ourvidz.runtime.queue.redis.location import server_of
from tests.conformance.jobs import job_id, payload
from tests.conformance.site import claimed
from tests.runtime.redis_server import RedisServer
from tests.runtime.test_embedded import context


def opened(root: Path, url: str) -> Queue:
    [backend] = [one for one in redis_backends.ourvidz_queues() if url.startswith(f"{one.scheme}:")]
    return backend.open(context(root, url))


@pytest.mark.parametrize(
    ("url", "where", "namespace"),
    [
        ("redis://localhost", "redis://localhost:6379/0", "ourvidz"),
        ("redis://localhost:7000/3", "redis://localhost:7000/3", "ourvidz"),
        (
            "rediss://user:p%40ss@host.example:6380?namespace=staging",
            "rediss://host.example:6380/0",
            "staging",
        ),
        ("redis://:secret@[::1]/", "redis://::1:6379/0", "ourvidz"),
    ],
)
def test_a_url_names_a_server_and_a_namespace(tmp_path: Path, url: str, where: str, namespace: str) -> None:
    server, named = server_of(context(tmp_path, url))
    assert (str(server), named) == (where, namespace)


def test_user_and_password_are_read_and_not_shown(tmp_path: Path) -> None:
    server, _ = server_of(context(tmp_path, "rediss://user:p%40ss@host/1?ca=certificates/ca.pem"))
    assert (server.username, server.password) == ("user", "p@ss")
    assert (server.tls, server.ca) == (True, tmp_path / "certificates/ca.pem")
    assert "p@ss" not in repr(server) + str(server)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis:", "found no host"),
        ("redis:///0", "found no host"),
        ("redis://host:port", "found a port that is no port"),
        ("redis://host/first", "found a database that is no number"),
        ("redis://user:hunter2#3@host", "found a "),
        ("redis://host?namespace=a b", "namespace: expected 1 to 64"),
        ("redis://host?ca=x", "no option ca; it has namespace"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(LocationInvalid, match=message) as refused:
        opened(tmp_path, url)
    assert "hunter2" not in str(refused.value)


def test_namespaces_keep_deployments_apart(redis_server: RedisServer, tmp_path: Path) -> None:
    with (
        closing(opened(tmp_path, f"{redis_server.url}?namespace=one")) as one,
        closing(opened(tmp_path, f"{redis_server.url}?namespace=two")) as two,
    ):
        one.push("sdxl_queue", payload(1))
        assert claimed(one).lease.job_id == job_id(1)
        assert two.jobs() == []


def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with (
        closing(opened(tmp_path, "redis://:hunter2@127.0.0.1:1")) as queue,
        pytest.raises(
            QueueUnavailable, match=r"redis://127\.0\.0\.1:1/0: the server cannot be reached"
        ) as refused,
    ):
        queue.push("sdxl_queue", payload(1))
    assert "hunter2" not in str(refused.value)


def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--appendonly", "yes")
    server.start()
    try:
        with closing(opened(tmp_path, server.url)) as queue:
            queue.push("sdxl_queue", payload(1))
            assert not queue.wait(["wan_queue"], timeout=0)
            server.stop()
            with pytest.raises(QueueUnavailable):
                queue.job(job_id(1))
            with pytest.raises(QueueUnavailable):
                queue.wait(["sdxl_queue"], timeout=60)
            server.start()
            assert queue.wait(["sdxl_queue"], timeout=60)
            assert claimed(queue).lease.job_id == job_id(1)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def guarded(certificates: Path) -> Iterator[RedisServer]:
    """A server that speaks TLS and wants a password."""
    server = RedisServer(certificates / "data", "--requirepass", "hunter2", certificates=certificates)
    server.start()
    yield server
    server.stop()


def test_a_wrong_password_is_told_of_and_not_shown(guarded: RedisServer, certificates: Path) -> None:
    place = f"rediss://:hunter3@localhost:{guarded.tls_port}/0?ca=ca.pem"
    with (
        closing(opened(certificates, place)) as queue,
        pytest.raises(CommandRefused, match="WRONGPASS") as refused,
    ):
        queue.push("sdxl_queue", payload(1))
    assert "hunter3" not in str(refused.value)


def test_offering_the_backend_imports_none_of_it() -> None:
    program = (
        "import sys, ourvidz.runtime.builtin_backends.redis as plugin\n"
        "plugin.ourvidz_queues()\n"
        "sys.exit(', '.join({'redis', 'ourvidz.runtime.queue.redis'} & set(sys.modules)) or None)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "")


def test_without_its_library_a_queue_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "ourvidz.runtime.queue.redis.tcp", raising=False)
    with pytest.raises(ClientMissing, match=r"pip install ourvidz\[redis\]"):
        opened(tmp_path, "redis://localhost")
