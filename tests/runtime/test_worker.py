"""A worker from a user's side: real processes, real files, a family that needs no model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.jobs.queue import JobNotFound
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import ProfileUnknown, Worker
from tests.site import JOB_TYPE, REPOSITORY, Site

CHATTY = """
from ourvidz.plugins.hookspecs import hookimpl

print("hello from a plugin")

@hookimpl
def ourvidz_job_event(event):
    print("a job has", event.status)
"""


def events(worker: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert worker.stdout is not None
    for line in worker.stdout:
        yield json.loads(line)


def until_event(worker: subprocess.Popen[str], name: str, **values: Any) -> dict[str, Any]:
    """Read what a worker says up to an event; fail if the worker ends before."""
    for event in events(worker):
        if event["event"] == name and values.items() <= event.items():
            return event
    raise AssertionError(f"the worker ended without {name}")


def test_a_job_leaves_pictures_thumbnails_and_a_record(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a red barn", seed=7, num_images=3)
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(burst=True) == 1

    status = client.status(job_id)
    assert status.status == "completed"
    assert status.worker_type == "PLACEHOLDER"
    assert status.estimated_time == 0
    result = status.result
    assert result is not None
    assert [asset.seed for asset in result.assets] == [7, 8, 9]
    assert result.parameters["steps"] == 4
    assert result.spec_digest == result.submitted_digest == site.project().catalog["placeholder_fast"].digest
    assert result.reviews["policy"] == "passed"
    for asset in result.assets:
        assert asset.path == f"{LOCAL_USER}/{job_id}/1-{asset.index}.png"
        with Image.open(site.root / "data/storage/placeholder_fast" / asset.path) as picture:
            assert picture.format == "PNG"
            assert picture.size == (asset.width, asset.height) == (64, 48)
        assert asset.thumbnail is not None
        with Image.open(site.root / "data/storage/placeholder_fast" / asset.thumbnail.path) as small:
            assert small.format == "WEBP"
            assert max(small.size) <= 256
    record = json.loads((site.root / f"data/records/{job_id}.json").read_text())
    assert record["status"] == "completed"
    assert record["result"]["assets"][0]["sha256"] == result.assets[0].sha256


def test_without_a_seed_a_job_that_starts_again_paints_the_same(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a red barn")
    with Worker(site.project(), "placeholder") as worker:
        claim = worker.queue.claim(["placeholder_queue"], worker="gone", lease_seconds=60, nonce="a")
        assert claim is not None
        worker.queue.hand_back(claim.lease)
        worker.run(burst=True)
        first = client.status(job_id).result
        again = client.submit(
            "placeholder_fast", prompt="a red barn", seed=first.assets[0].seed if first else 0
        )
        worker.run(burst=True)
    second = client.status(again).result
    assert first is not None
    assert second is not None
    pixels = [
        Image.open(site.root / "data/storage/placeholder_fast" / one.assets[0].path).tobytes()
        for one in (first, second)
    ]
    assert pixels[0] == pixels[1]


def test_sigterm_finishes_the_running_job_and_takes_no_more(site: Site, client: Client) -> None:
    first, second = (
        client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.2}) for _ in range(2)
    )
    worker = site.worker()
    until_event(worker, "step", stage="paint", step=1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert client.status(first).status == "completed"
    assert client.status(second).status == "queued"


def test_a_stop_of_the_whole_group_leaves_the_heartbeat_to_the_running_job(
    site: Site, client: Client
) -> None:
    """As a service manager or Ctrl-C does it: everything that belongs to the worker is told to stop."""
    job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 2.5, "steps": 1})
    worker = site.worker()
    until_event(worker, "step", stage="load")
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    assert len(children) == 1
    for pid in (*map(int, children), worker.pid):
        os.kill(pid, signal.SIGTERM)
    other = site.worker(heard=False)
    assert worker.wait() == 0
    other.send_signal(signal.SIGTERM)
    status = client.status(job_id)
    assert (status.status, status.attempt) == ("completed", 1)


def test_a_second_sigterm_hands_the_job_back_uncounted(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 5, "steps": 100})
    worker = site.worker()
    until_event(worker, "step", stage="load")
    until_event(worker, "step", stage="paint", step=1)
    worker.send_signal(signal.SIGTERM)
    # Two signals at once are one to a process: the second has to come after the first was taken.
    time.sleep(0.5)
    worker.send_signal(signal.SIGTERM)
    until_event(worker, "job_ended", outcome="handed back")
    assert worker.wait() == 0
    status = client.status(job_id)
    assert (status.status, status.attempt, status.queue_position) == ("queued", 0, 1)


def test_a_cancelled_job_stops_within_one_step(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.5, "steps": 100})
    worker = site.worker("--once")
    until_event(worker, "step", stage="paint", step=1)
    client.queue.cancel(job_id)
    steps = []
    for event in events(worker):
        if event["event"] == "step":
            steps.append(event["step"])
        if event["event"] == "job_ended":
            assert event["outcome"] == "cancelled"
    # The step that was running ends, and the next one meets the news.
    assert steps in ([], [2], [2, 3])
    assert worker.wait() == 0
    assert client.status(job_id).status == "cancelled"


def test_a_step_longer_than_the_lease_keeps_the_lease(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 2.5, "steps": 1})
    for _ in range(2):
        site.worker(heard=False)
    status = client.wait(job_id, timeout=60)
    assert (status.status, status.attempt) == ("completed", 1)


def test_a_job_without_progress_for_its_timeout_fails(site: Site, client: Client) -> None:
    slow = JOB_TYPE.replace("max_attempts: 20", "max_attempts: 1\ntimeout: 1s")
    site.spec("placeholder_slow", slow)
    with Client.open(site.project()) as fresh:
        job_id = fresh.submit("placeholder_slow", prompt="a barn", params={"step_time": 4, "steps": 1})
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    status = client.status(job_id)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.code == "timed_out"


def test_a_new_spec_is_served_and_a_broken_one_reported_without_a_restart(site: Site, client: Client) -> None:
    worker = site.worker()
    until_event(worker, "idle")
    site.spec("placeholder_new", JOB_TYPE.replace("64x48", "32x32"))
    assert until_event(worker, "specs_changed")["error"] is None
    with Client.open(site.project()) as fresh:
        job_id = fresh.submit("placeholder_new", prompt="a barn")
        assert fresh.wait(job_id, timeout=60).status == "completed"

    site.spec("placeholder_new", JOB_TYPE.replace("steps: 4", "steps: none"))
    problems = until_event(worker, "specs_changed")["error"]["problems"]
    assert [(problem["line"], problem["field"]) for problem in problems] == [(5, "steps")]
    kept = client.submit("placeholder_fast", prompt="a barn")
    assert client.wait(kept, timeout=60).status == "completed"


def test_a_job_type_that_nobody_knows_becomes_a_dead_letter_and_a_failed_job(
    site: Site, client: Client
) -> None:
    envelope = Envelope(
        job_id="7d444840-9dc0-11d1-b245-5ffdce74fad2",
        job_type="never_seen",
        user_id=LOCAL_USER,
        prompt="a barn",
        submitted_at=datetime.now(UTC),
    )
    client.queue.push("placeholder_queue", envelope.to_payload())
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    error = client.status(envelope.job_id).error
    assert error is not None
    assert error.code == "unknown_job_type"
    letter = client.queue.dead_letters.list()[0]
    assert (letter.job_id, letter.payload) == (envelope.job_id, envelope.to_payload())
    record = json.loads((site.root / f"data/records/{envelope.job_id}.json").read_text())
    assert record["status"] == "failed"


def test_a_job_on_another_familys_queue_is_passed_on(site: Site, client: Client) -> None:
    shutil.copy(REPOSITORY / "jobtypes/sdxl_img2img.yaml", site.root / "jobtypes")
    envelope = Envelope(
        job_id="7d444840-9dc0-11d1-b245-5ffdce74fad2",
        job_type="sdxl_img2img",
        user_id=LOCAL_USER,
        prompt="a barn",
        submitted_at=datetime.now(UTC),
    )
    client.queue.push("placeholder_queue", envelope.to_payload())
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(burst=True) == 1
    job = client.queue.job(envelope.job_id)
    assert (job.state, job.queue, job.attempt) == ("queued", "sdxl_queue", 0)


def test_a_job_that_is_started_again_never_meets_the_files_of_its_first_start(
    site: Site, client: Client
) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        claim = worker.queue.claim(["placeholder_queue"], worker="gone", lease_seconds=60, nonce="a")
        assert claim is not None
        mine = site.root / f"data/storage/placeholder_fast/{LOCAL_USER}/{job_id}/{claim.lease.token}-0.png"
        mine.parent.mkdir(parents=True)
        mine.write_bytes(b"left behind")
        worker.queue.hand_back(claim.lease)
        worker.run(burst=True)
    assert client.status(job_id).status == "completed"
    assert mine.read_bytes() == b"left behind"


def test_a_worker_that_never_rests_forgets_what_ended_long_ago(site: Site, client: Client) -> None:
    with (site.root / "ourvidz.yaml").open("a") as settings:
        settings.write("keep: 1ms\n")
    old = client.submit("placeholder_fast", prompt="a red barn")
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(burst=True) == 1
    assert client.status(old).status == "completed"
    new = client.submit("placeholder_fast", prompt="a blue barn")
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(once=True) == 1
    with pytest.raises(JobNotFound):
        client.status(old)
    assert client.status(new).status == "completed"


def test_a_plugin_may_print(site: Site, client: Client) -> None:
    extra = site.root / "extra"
    extra.mkdir()
    (extra / "chatty.py").write_text(CHATTY)
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text().replace('"]', '", "extra"]'))
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    assert client.status(job_id).status == "completed"


def test_a_worker_whose_heartbeat_died_hands_its_job_back_and_ends(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.5, "steps": 100})
    worker = site.worker()
    until_event(worker, "step", stage="paint", step=1)
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    until_event(worker, "job_ended", outcome="handed back")
    assert worker.wait() == 3
    status = client.status(job_id)
    assert (status.status, status.attempt) == ("queued", 0)


def test_the_case_of_the_plugins_name_does_not_matter(site: Site, client: Client) -> None:
    settings = site.root / "ourvidz.yaml"
    text = settings.read_text().replace("lease: 1s", "lease: 1s\n    profile: small")
    settings.write_text(text + "profiles:\n  small: {scale: 0.5}\n")
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "PlaceHolder") as worker:
        worker.run(burst=True)
    result = client.status(job_id).result
    assert result is not None
    assert result.parameters["resolution"] == "32x24"


def test_one_job_type_can_be_served_alone(site: Site, client: Client) -> None:
    site.spec("placeholder_other", JOB_TYPE)
    with Client.open(site.project()) as fresh:
        other = fresh.submit("placeholder_other", prompt="a barn")
    mine = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder", job_type="placeholder_fast") as worker:
        assert worker.run(burst=True) == 1
    assert client.status(mine).status == "completed"
    assert client.status(other).status == "queued"


def test_a_profile_reduces_openly(site: Site, client: Client) -> None:
    settings = (site.root / "ourvidz.yaml").read_text()
    (site.root / "ourvidz.yaml").write_text(settings + "profiles:\n  small: {scale: 0.5, steps: 0.5}\n")
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder", profile="small") as worker:
        worker.run(burst=True)
    result = client.status(job_id).result
    assert result is not None
    assert (result.parameters["resolution"], result.parameters["steps"]) == ("32x24", 2)
    assert (result.assets[0].width, result.assets[0].height) == (32, 24)
    with pytest.raises(ProfileUnknown, match="tiny"):
        Worker(site.project(), "placeholder", profile="tiny")


def test_a_fallback_takes_over_when_it_is_switched_on(
    site: Site, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """The first job type asks for more attempts than it gets; its fallback makes the picture."""
    failing = JOB_TYPE.replace("max_attempts: 20", "max_attempts: 1\ntimeout: 1s\nfallback: placeholder_fast")
    site.spec("placeholder_first", failing)
    settings = (site.root / "ourvidz.yaml").read_text()
    (site.root / "ourvidz.yaml").write_text(settings + "on_failure: fallback\n")
    with Client.open(site.project()) as fresh:
        job_id = fresh.submit("placeholder_first", prompt="a barn", params={"step_time": 4, "steps": 1})
        worker = site.worker()
        eventually(lambda: fresh.status(job_id).status == "completed")
        worker.send_signal(signal.SIGTERM)
        status = fresh.status(job_id)
    assert (status.job_type, status.effective_job_type) == ("placeholder_first", "placeholder_fast")
    assert status.result is not None
    assert (status.result.job_type, status.result.effective_job_type) == (
        "placeholder_first",
        "placeholder_fast",
    )
