"""Workers that tell a platform over HTTP: what it hears, and what it cannot hold up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.callback import courier, delivery, posting
from ourvidz.runtime.client import Client
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.runtime.queue.sqlite.outbox import SqliteOutbox
from ourvidz.runtime.worker import Worker
from tests.runtime.receivers import KEY_ID, SECRET, TOKEN, Fault, Function, July2025Function, serving
from tests.site import SETTINGS, Site

Eventually = Callable[[Callable[[], bool]], None]

#: Long enough to be heard of while it runs: each of its steps takes longer than a look at the news.
LONG = {"steps": 8, "step_time": 0.1}


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def told(
    site: Site, function: Function, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A project whose events go to ``function``; gives what has arrived."""
    with serving(function) as url:
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", url)
        monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"{KEY_ID}:{SECRET}")
        monkeypatch.setattr(courier, "LOOK_INTERVAL", 0.02)
        configure(site, "callback: {progress: 1s}")
        yield lambda: [json.loads(request.body) for request in function.requests]


def configure(site: Site, *lines: str) -> None:
    text = "\n".join([SETTINGS, "review: {outputs: elsewhere}", *lines])
    (site.root / "ourvidz.yaml").write_text(text + "\n")


def work(site: Site) -> int:
    with Worker(site.project(), "placeholder") as worker:
        return worker.run(burst=True)


def test_a_job_is_told_of_from_its_start_to_its_end(
    site: Site, client: Client, told: Callable[[], list[dict[str, Any]]]
) -> None:
    params = {"steps": 12, "step_time": 0.2}
    job_id = client.submit("placeholder_fast", prompt="a barn", seed=7, params=params, metadata={"row": 12})
    work(site)
    started, *progress, completed = told()
    assert (started["job_id"], started["status"], started["attempt"]) == (job_id, "processing", 1)
    assert started["progress"] is None
    assert started["at"] == started["started_at"]
    assert [event["status"] for event in progress] == ["processing"] * len(progress)
    steps = [event["progress"]["step"] for event in progress if event["progress"]["stage"] == "paint"]
    assert steps == sorted(steps)
    assert steps
    assert len(steps) < params["steps"]
    for event in (started, *progress, completed):
        assert (event["user_id"], event["job_type"]) == (LOCAL_USER, "placeholder_fast")
        assert event["metadata"] == {"row": 12}
    sequences = [event["sequence"] for event in (started, *progress, completed)]
    assert sequences == sorted(set(sequences))
    assert completed["status"] == "completed"
    result = completed["result"]
    assert result["parameters"]["steps"] == 12
    assert {"load", "generate", "store"} <= set(result["seconds"])
    [asset] = result["assets"]
    assert (asset["bucket"], asset["seed"]) == ("placeholder_fast", 7)
    stored = site.root / "data/storage" / asset["bucket"] / asset["path"]
    assert asset["size"] == stored.stat().st_size
    assert asset["thumbnail"]["sha256"]


def test_an_outbox_where_looks_cost_commands_is_looked_at_only_when_something_may_be_in_it(
    site: Site, client: Client, told: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    claim = SqliteOutbox.claim

    def counted(outbox: SqliteOutbox, *, limit: int, lease_seconds: float) -> list[OutboxEntry]:
        looks.append(limit)
        return claim(outbox, limit=limit, lease_seconds=lease_seconds)

    monkeypatch.setattr(SqliteOutbox, "claim", counted)
    monkeypatch.setattr(SqliteQueue, "idle_seconds", 3600.0)
    client.submit("placeholder_fast", prompt="a barn", params=LONG)
    work(site)
    assert told()[-1]["status"] == "completed"
    # At the start, after the job and once more behind its event, and at the end.
    assert len(looks) <= 5


def test_a_failed_job_is_told_of_with_a_code_and_a_message(
    site: Site, client: Client, told: Callable[[], list[dict[str, Any]]]
) -> None:
    client.submit("placeholder_fast", prompt="a toddler")
    work(site)
    error = told()[-1]["error"]
    assert error["code"] == "refused"
    assert "toddler" not in error["message"]


@pytest.mark.parametrize("fault", [500, 401, "stall", "reset", "lost reply"])
def test_whatever_a_receiver_does_no_job_waits_for_it_or_starts_again(
    site: Site,
    client: Client,
    told: Callable[[], list[dict[str, Any]]],
    function: Function,
    fault: int | Fault,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Eventually,
) -> None:
    monkeypatch.setattr(posting, "SILENCE", 0.2)
    monkeypatch.setattr(delivery, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(delivery, "LONGEST_DELAY", 0.01)
    # Deaf until it is told otherwise.
    function.script = [fault] * 10_000
    jobs = [client.submit("placeholder_fast", prompt="a barn", params=LONG) for _ in range(3)]
    assert work(site) == 3
    assert [client.status(job).status for job in jobs] == ["completed"] * 3
    assert client.queue.outbox.waiting() == 3
    deaf = len(function.requests)
    assert deaf
    function.script.clear()

    def all_told() -> bool:
        assert work(site) == 0
        return client.queue.outbox.waiting() == 0

    eventually(all_told)
    ends = [event for event in told()[deaf:] if event["status"] == "completed"]
    assert sorted(event["job_id"] for event in ends) == sorted(jobs)
    assert [client.status(job).attempt for job in jobs] == [1, 1, 1]
    bodies = {
        request.body for request in function.requests if json.loads(request.body)["status"] == "completed"
    }
    assert len(bodies) == 3


def test_refused_news_are_tried_again_while_the_job_runs_and_its_end_comes_last(
    site: Site,
    client: Client,
    told: Callable[[], list[dict[str, Any]]],
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier, "FIRST_DELAY", 0.01)
    function.script = [503, 503]
    client.submit("placeholder_fast", prompt="a barn", params=LONG)
    work(site)
    first, second, third, *_, last = told()
    assert first == second == third
    assert (first["status"], first["progress"], last["status"]) == ("processing", None, "completed")


def test_a_function_of_july_2025_hears_of_start_and_end(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = July2025Function()
    monkeypatch.setattr(courier, "LOOK_INTERVAL", 0.02)
    monkeypatch.setenv("OURVIDZ_CALLBACK_TOKEN", TOKEN)
    configure(site, "callback: {shape: july-2025}")
    job_id = client.submit("placeholder_fast", prompt="a barn", num_images=3, params=LONG)
    with serving(function) as url:
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", url)
        work(site)
    assert [json.loads(request.body)["status"] for request in function.requests] == [
        "processing",
        "completed",
    ]
    row = function.rows[job_id]
    assert row["paths"] == [f"{LOCAL_USER}/{job_id}/1-{index}.png" for index in range(3)]


def test_a_platform_elsewhere_asks_for_reviewed_outputs(
    site: Site, told: Callable[[], list[dict[str, Any]]]
) -> None:
    (site.root / "ourvidz.yaml").write_text(SETTINGS)
    done = site.ourvidz("run-worker", "--plugin", "placeholder", "--burst")
    assert done.returncode == 3
    assert "review" in done.stderr
    assert told() == []
