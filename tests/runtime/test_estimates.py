"""How long a job still takes: by what it has shown, or by what is usual."""

from __future__ import annotations

import time

import pytest

from ourvidz.jobs.estimates import remaining_seconds
from ourvidz.jobs.events import Progress
from ourvidz.runtime.client import Client


@pytest.mark.parametrize(("step", "expected"), [(1, 9.0), (5, 1.0), (10, 0.0)])
def test_the_steps_that_were_seen_say_how_many_seconds_are_left(
    client: Client, step: int, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn")
    claim = client.queue.claim(["placeholder_queue"], worker="w", lease_seconds=60, nonce="n")
    assert claim is not None
    client.queue.beat(claim.lease, lease_seconds=60, progress=Progress(stage="paint", step=step, steps=10))
    job = client.queue.job(job_id)
    assert job.started_at is not None
    started = job.started_at
    monkeypatch.setattr(time, "time", lambda: started + 1.0)
    assert remaining_seconds(client.queue, client.project.catalog, job, None) == pytest.approx(expected)
