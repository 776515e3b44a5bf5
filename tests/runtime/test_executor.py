"""What an executor does where the queue itself is in trouble: nothing that was made is made again."""

from __future__ import annotations

from typing import Any

import pytest

from ourvidz.jobs.queue import Claim, JobNotFound, QueueUnavailable
from ourvidz.runtime import executor
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.site import Site


@pytest.mark.parametrize("verb", ["complete_and_claim", "fail"])
def test_an_outcome_is_told_until_the_queue_has_heard_it(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(executor, "INSIST_INTERVAL", 0.01)
    prompt = "a barn" if verb == "complete_and_claim" else "a toddler"
    job_id = client.submit("placeholder_fast", prompt=prompt)
    with Worker(site.project(), "placeholder") as worker:
        told = getattr(worker.queue, verb)
        failures = iter([QueueUnavailable("the disk is full"), QueueUnavailable("still full")])
        calls = []

        def unreliable(*arguments: Any, **named: Any) -> Claim | None:
            calls.append(arguments)
            for failure in failures:
                raise failure
            claim: Claim | None = told(*arguments, **named)
            return claim

        monkeypatch.setattr(worker.queue, verb, unreliable)
        worker.run(burst=True)
    assert len(calls) == 3
    status = client.status(job_id)
    assert (status.status, status.attempt) == ("completed" if verb == "complete_and_claim" else "failed", 1)


def test_a_worker_that_is_stopped_while_it_claims_hands_the_next_job_back(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [client.submit("placeholder_fast", prompt="a barn") for _ in range(2)]
    with Worker(site.project(), "placeholder") as worker:
        complete_and_claim = worker.queue.complete_and_claim

        def stopped(*arguments: Any, **named: Any) -> Claim | None:
            claim = complete_and_claim(*arguments, **named)
            worker.stop()
            return claim

        monkeypatch.setattr(worker.queue, "complete_and_claim", stopped)
        assert worker.run() == 1
    assert client.status(first).status == "completed"
    assert (client.status(second).status, client.status(second).attempt) == ("queued", 0)


def test_a_worker_that_takes_one_job_claims_no_other(site: Site, client: Client) -> None:
    first, second = [client.submit("placeholder_fast", prompt="a barn") for _ in range(2)]
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(once=True) == 1
        assert client.queue.job(second).state == "queued"
        assert worker.run(burst=True) == 1
    assert [client.status(one).status for one in (first, second)] == ["completed", "completed"]


def test_an_idle_worker_forgets_what_ended_long_ago(site: Site, client: Client) -> None:
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text() + "keep: 1ms\n")
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        # On return the job was told of, too; before, it would not be forgotten.
        worker.run(burst=True)
    with Worker(site.project(), "placeholder") as worker:
        worker.observer.idle = worker.stop  # type: ignore[method-assign]  # stop when there is nothing left
        worker.run()
    with pytest.raises(JobNotFound):
        client.status(job_id)
    assert (site.root / f"data/records/{job_id}.json").exists()


def test_a_worker_outlasts_a_queue_that_is_away_for_a_while(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ourvidz.runtime.worker.WAIT", 0.01)
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        claim = worker.queue.claim
        failures = iter([QueueUnavailable("locked"), QueueUnavailable("still locked")])

        def unreliable(*arguments: Any, **named: Any) -> Claim | None:
            for failure in failures:
                raise failure
            return claim(*arguments, **named)

        monkeypatch.setattr(worker.queue, "claim", unreliable)
        assert worker.run(burst=True) == 1
    assert client.status(job_id).status == "completed"
