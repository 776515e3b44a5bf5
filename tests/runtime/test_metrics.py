"""What a worker tells whoever watches it: counted of real jobs, asked over real HTTP."""

from __future__ import annotations

import inspect
import json
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from ourvidz.cli.main import root
from ourvidz.jobs import metrics as names
from ourvidz.jobs.queue import Claim, Lease
from ourvidz.jobs.states import Failure, Reason
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.breaker import BreakerEvent
from ourvidz.runtime.client import Client
from ourvidz.runtime.observer import Observer, Observers
from ourvidz.runtime.telemetry.metrics import Metrics
from ourvidz.runtime.telemetry.server import Answers, HealthAddressUnusable, HealthServer
from ourvidz.runtime.worker import Worker
from tests.conformance.jobs import job_id, payload
from tests.site import Site, until

FAILURE = Failure(code="output_black", message="all pixels are black")


@dataclass(frozen=True, slots=True)
class Samples:
    """What Prometheus would read."""

    values: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of(cls, text: str) -> Samples:
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        return cls({(one.name, frozenset(one.labels.items())): one.value for one in samples})

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.values.get((name, frozenset(labels.items())))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def metrics(site: Site) -> Metrics:
    project = site.project()
    return Metrics("placeholder", project.catalog, lambda: open_queue(project))


def read(metrics: Metrics) -> Samples:
    return Samples.of(metrics.text().decode())


def claim(job_type: str = "placeholder_fast") -> Claim:
    return Claim(
        lease=Lease(job_id=job_id(0), token=1),
        queue="placeholder_queue",
        job_type=job_type,
        rerouted=False,
        attempt=1,
        payload=payload(0, job_type=job_type),
    )


class TestJobs:
    def test_what_has_not_happened_yet_is_shown_as_zero(self, metrics: Metrics) -> None:
        found = read(metrics)
        for outcome in ("completed", "failed"):
            assert found(names.JOBS, job_type="placeholder_fast", outcome=outcome) == 0
        assert found(names.LATE, job_type="placeholder_fast") == 0
        assert found(names.STOPPED, job_type="placeholder_fast") == 0

    def test_jobs_that_were_made_are_counted_and_every_stage_is_timed(
        self, site: Site, client: Client, metrics: Metrics
    ) -> None:
        for _ in range(2):
            client.submit("placeholder_fast", prompt="a red barn")
        with Worker(site.project(), "placeholder", observer=metrics) as worker:
            worker.run(burst=True)
        found = read(metrics)
        assert found(names.JOBS, job_type="placeholder_fast", outcome="completed") == 2
        for stage in ("wait", "load", "generate", "check", "encode", "store", "run", "callback"):
            count = found(f"{names.STAGE_SECONDS}_count", job_type="placeholder_fast", stage=stage)
            assert count == 2, stage

    def test_one_that_takes_longer_than_its_type_promises_is_late(
        self, site: Site, client: Client, metrics: Metrics
    ) -> None:
        client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.3})
        client.submit("placeholder_fast", prompt="a barn")
        with Worker(site.project(), "placeholder", observer=metrics) as worker:
            worker.run(burst=True)
        assert read(metrics)(names.LATE, job_type="placeholder_fast") == 1

    def test_failures_are_counted_by_their_code(self, metrics: Metrics) -> None:
        metrics.job_ended(claim(), "failed", FAILURE)
        metrics.job_ended(claim(), "given to sketch", FAILURE)
        metrics.job_ended(claim(), "tried again later", FAILURE)
        found = read(metrics)
        assert found(names.ERRORS, job_type="placeholder_fast", code="output_black") == 1
        for outcome in ("failed", "given", "tried_again_later"):
            assert found(names.JOBS, job_type="placeholder_fast", outcome=outcome) == 1

    def test_a_producer_cannot_make_up_names(self, client: Client, metrics: Metrics) -> None:
        for number in range(5):
            metrics.job_ended(claim(f"made_up_{number}"), "failed", FAILURE)
            client.queue.push(f"made_up_{number}", payload(number))
        found = read(metrics)
        assert found(names.JOBS, job_type="unknown", outcome="failed") == 5
        assert "made_up" not in metrics.text().decode()

    def test_a_breaker_is_open_until_a_job_is_made_or_its_spec_changes(self, metrics: Metrics) -> None:
        def tell(kind: Any) -> None:
            metrics.breaker(
                BreakerEvent(
                    kind=kind,
                    job_type="placeholder_fast",
                    failures=5,
                    reason=Reason(code="output_black", message="black"),
                    seconds=60.0,
                )
            )

        def is_stopped() -> float | None:
            return read(metrics)(names.STOPPED, job_type="placeholder_fast")

        for kind, expected in (("stopped", 1), ("probed", 1), ("resumed", 0), ("stopped", 1)):
            tell(kind)
            assert is_stopped() == expected
        metrics.specs_changed(None)
        assert is_stopped() == 0
        assert read(metrics)(names.STOPS, job_type="placeholder_fast") == 2


class TestQueue:
    def test_depth_and_age_are_those_of_the_moment(self, client: Client, metrics: Metrics) -> None:
        empty = read(metrics)
        assert empty(names.QUEUE_JOBS, queue="placeholder_queue", state="waiting") == 0
        assert empty(names.QUEUE_AGE, queue="placeholder_queue") == 0
        client.queue.push("placeholder_queue", payload(0))
        client.submit("placeholder_fast", prompt="a barn", priority=5)
        client.queue.claim(["placeholder_queue"], worker="w", lease_seconds=60, nonce="n")
        found = read(metrics)
        assert found(names.QUEUE_REACHABLE) == 1
        assert found(names.QUEUE_JOBS, queue="placeholder_queue", state="waiting") == 1
        assert found(names.QUEUE_JOBS, queue="placeholder_queue", state="processing") == 1
        assert (found(names.QUEUE_AGE, queue="placeholder_queue") or 0) > 3600

    def test_one_that_does_not_answer_is_told_of_and_says_nothing(self, site: Site, metrics: Metrics) -> None:
        shutil.rmtree(site.root / "data", ignore_errors=True)
        (site.root / "data").write_text("no folder")
        found = read(metrics)
        assert found(names.QUEUE_REACHABLE) == 0
        assert found(names.QUEUE_AGE, queue="placeholder_queue") is None


class TestServer:
    def test_it_says_what_it_is_asked_and_nothing_else(self) -> None:
        ready: list[bool] = []
        answers = Answers(lambda: bool(ready), lambda: b"x 1\n")
        with HealthServer("127.0.0.1", 0, answers) as server:
            assert get(f"{server.url}/health") == (200, '{"alive": true}')
            assert get(f"{server.url}/ready")[0] == 503
            ready.append(True)
            assert get(f"{server.url}/ready") == (200, '{"ready": true}')
            assert get(f"{server.url}/metrics") == (200, "x 1\n")
            status, body = get(f"{server.url}/jobs")
            assert (status, json.loads(body)["expected"]) == (404, ["/health", "/ready", "/metrics"])

    def test_a_port_that_is_taken_is_refused(self) -> None:
        answers = Answers(lambda: True, bytes)
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(HealthAddressUnusable, match="a port that nobody uses"),
        ):
            HealthServer("127.0.0.1", taken.getsockname()[1], answers)

    @pytest.mark.parametrize("address", ["health", "0", "65536", "127.0.0.1:", "-1"])
    def test_an_address_without_a_port_is_refused(self, address: str) -> None:
        run = CliRunner().invoke(root, ["run-worker", "--plugin", "placeholder", f"--health={address}"])
        assert run.exit_code == 2
        assert f"found '{address}', expected a port from 1 to 65535" in " ".join(run.output.split())

    def test_a_worker_answers_while_it_works_and_not_when_it_is_gone(self, site: Site) -> None:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        worker = site.worker("--health", str(port), heard=False)

        def is_ready() -> bool:
            try:
                return get(f"{url}/ready")[0] == 200
            except urllib.error.URLError:
                return False

        until(is_ready)
        with Client.open(site.project()) as client:
            client.wait(client.submit("placeholder_fast", prompt="a red barn"), timeout=30)

        def made() -> float | None:
            found = Samples.of(get(f"{url}/metrics")[1])
            assert found(names.READY, family="placeholder") == 1
            return found(names.JOBS, job_type="placeholder_fast", outcome="completed")

        until(lambda: made() == 1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        assert not is_ready()


def test_several_observers_are_told_everything() -> None:
    told: list[tuple[str, str]] = []
    methods = [name for name, _ in inspect.getmembers(Observer, inspect.isfunction) if name[0] != "_"]

    def listening(who: str) -> Observer:
        def hear(name: str) -> Callable[..., None]:
            return lambda *_: told.append((who, name))

        made: Observer = type("Listening", (Observer,), {name: hear(name) for name in methods})()
        return made

    both = Observers(listening("first"), listening("second"))
    for name in methods:
        given = inspect.signature(getattr(both, name)).parameters
        getattr(both, name)(*given)
        assert told[-2:] == [("first", name), ("second", name)]
