"""A queue's server has to prove who it is before it is told anything, over rediss and over https alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.locations import LocationInvalid
from tests.conformance.jobs import job_id, payload
from tests.conformance.site import claimed
from tests.runtime.redis_server import RedisServer
from tests.runtime.test_redis_opening import opened
from tests.servers.certificates import make_certificate

#: What is wrong: host and days of the certificate, the file that is trusted, and what is said of it.
WRONG = {
    "self-signed": ("localhost", 1, None, "self-signed certificate"),
    "another's": ("localhost", 1, "another/ca.pem", "self-signed certificate"),
    "for another host": ("redis.example", 1, "ca.pem", "ostname mismatch"),
    "expired": ("localhost", -1, "ca.pem", "certificate has expired"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_certificate(tmp_path / "another")
    return tmp_path


@contextmanager
def serving(certificates: Path) -> Iterator[RedisServer]:
    server = RedisServer(certificates / "data", certificates=certificates)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def heard(server: RedisServer) -> set[str]:
    """Every command that the server was sent, beside those of the test itself."""
    with server.client() as client:
        told = client.info("commandstats")
    assert isinstance(told, dict)
    return {name.removeprefix("cmdstat_") for name in told} - {"ping", "info", "hello", "client|setinfo"}


@pytest.mark.parametrize("scheme", ["rediss", "https"])
@pytest.mark.parametrize("wrong", WRONG)
def test_rediss_certificates_verified(
    folder: Path, scheme: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURVIDZ_QUEUE_TOKEN", "token-of-the-queue")
    host, days, trusted, said = WRONG[wrong]
    make_certificate(folder, host, days=days)
    with serving(folder) as server:
        user = "user:password@" if scheme == "rediss" else ""
        url = f"{scheme}://{user}localhost:{server.tls_port}" + (f"?ca={trusted}" if trusted else "")
        with closing(opened(folder, url)) as queue, pytest.raises(QueueUnavailable, match=said):
            queue.push("sdxl_queue", payload(1))
        assert heard(server) == set()


def test_a_certificate_of_a_trusted_authority_is_taken(folder: Path) -> None:
    make_certificate(folder)
    with serving(folder) as server:
        with closing(opened(folder, f"rediss://localhost:{server.tls_port}?ca=ca.pem")) as queue:
            queue.push("sdxl_queue", payload(1))
            assert claimed(queue).lease.job_id == job_id(1)
        assert "lpush" in heard(server)


@pytest.mark.parametrize(
    "option", ["ssl_cert_reqs=none", "ssl_check_hostname=false", "insecure=1", "verify=0"]
)
@pytest.mark.parametrize("scheme", ["rediss", "https"])
def test_no_option_of_a_url_switches_it_off(
    tmp_path: Path, scheme: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURVIDZ_QUEUE_TOKEN", "token-of-the-queue")
    with pytest.raises(LocationInvalid, match="no option"):
        opened(tmp_path, f"{scheme}://localhost?{option}")
