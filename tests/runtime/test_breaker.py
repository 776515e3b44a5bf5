"""A job type whose model fails again and again is stopped, tried with one job, and goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.jobs.states import Reason
from ourvidz.jobs.storage import StorageRefused
from ourvidz.runtime.breaker import Breaker, BreakerEvent
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from ourvidz.spec.settings import BreakerEntry
from tests.runtime.brittle_site import BrittleSite
from tests.site import Site

BLACK = Reason(code="output_invalid", message="it was black")


class Told:
    """A breaker of three failures within 100 s, a clock that tests turn, and what it tells."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[str] = []
        entry = BreakerEntry.model_validate({"failures": 3, "window": "100s", "cool_down": "10s"})
        self.breaker = Breaker(
            entry, tell=lambda event: self.events.append(event.kind), clock=lambda: self.now
        )

    def fail(self, *jobs: str) -> None:
        for job in jobs:
            self.breaker.failed("portrait", job, BLACK)

    def is_stopped(self) -> bool:
        return "portrait" in self.breaker.stopped()


@pytest.fixture
def told() -> Told:
    return Told()


def test_three_jobs_in_a_row_stop_their_type_and_no_other(told: Told) -> None:
    told.fail("a", "b")
    assert not told.is_stopped()
    told.fail("c")
    assert list(told.breaker.stopped()) == ["portrait"]
    assert told.events == ["stopped"]
    why = told.breaker.why_stopped("portrait")
    assert why is not None
    assert "it was black" in why
    assert told.breaker.why_stopped("landscape") is None


def test_one_job_that_is_tried_again_and_again_counts_once(told: Told) -> None:
    told.fail("a", "a", "a", "b", "a")
    assert not told.is_stopped()


def test_a_job_that_was_made_ends_the_row(told: Told) -> None:
    told.fail("a", "b")
    told.breaker.made("portrait")
    told.fail("c", "d")
    assert not told.is_stopped()
    assert told.events == []


def test_failures_of_long_ago_do_not_count(told: Told) -> None:
    told.fail("a")
    told.now = 101
    told.fail("b", "c")
    assert not told.is_stopped()
    told.fail("d")
    assert told.is_stopped()


def test_after_the_cool_down_one_job_decides(told: Told) -> None:
    told.fail("a", "b", "c")
    told.now = 9.9
    assert told.is_stopped()
    told.now = 10
    assert not told.is_stopped()
    told.breaker.begins("portrait")
    told.fail("d")
    assert told.is_stopped(), "expected one failure to be enough"
    told.now = 20
    told.breaker.begins("portrait")
    told.breaker.made("portrait")
    told.fail("e", "f")
    assert not told.is_stopped(), "expected the row to begin anew"
    assert told.events == ["stopped", "probed", "stopped", "probed", "resumed"]


def test_a_job_that_says_nothing_of_the_model_leaves_the_decision_to_the_next(told: Told) -> None:
    told.fail("a", "b", "c")
    told.now = 10
    told.breaker.begins("portrait")  # and it is cancelled
    told.breaker.begins("portrait")
    told.fail("d")
    assert told.is_stopped()


BREAKER = "breaker: {failures: 2, cool_down: %s}\n"


@pytest.fixture
def brittle(site: Site) -> BrittleSite:
    made = BrittleSite(site)
    made.settings(BREAKER % "1h")
    return made


class Events(Observer):
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def breaker(self, event: BreakerEvent) -> None:
        self.seen.append((event.kind, event.job_type))


def test_jobs_of_a_stopped_type_wait_unstarted_while_others_are_made(brittle: BrittleSite) -> None:
    brittle.spec("brittle_other")
    brittle.goes_wrong("error", "black")
    failing = [brittle.submit() for _ in range(2)]
    waiting = [brittle.submit() for _ in range(2)]
    other = brittle.submit("brittle_other")
    observer = Events()
    assert brittle.work(observer=observer) == 3
    assert observer.seen == [("stopped", "brittle_fast")]
    assert brittle.statuses(failing) == ["failed", "failed"]
    assert brittle.status(other).status == "completed"
    for job_id in waiting:
        status = brittle.status(job_id)
        assert (status.status, status.attempt, status.error) == ("queued", 0, None)


def test_a_stopped_type_is_tried_with_one_job_and_stopped_anew(brittle: BrittleSite) -> None:
    brittle.settings(BREAKER % "10ms")
    brittle.goes_wrong("error", "error", "error", "", "")
    jobs = [brittle.submit() for _ in range(5)]
    observer = Events()
    with Worker(brittle.site.project(), "brittle", observer=observer) as worker:
        while "completed" not in brittle.statuses(jobs[4:]):
            worker.run(burst=True)
    assert brittle.statuses(jobs) == ["failed"] * 3 + ["completed"] * 2
    assert [kind for kind, _ in observer.seen] == ["stopped", "probed", "stopped", "probed", "resumed"]


def test_with_fallbacks_jobs_of_a_stopped_type_go_on_at_once_without_a_try(brittle: BrittleSite) -> None:
    brittle.spec("brittle_fast", "fallback: placeholder_fast")
    brittle.settings("on_failure: fallback\n" + BREAKER % "1h")
    brittle.goes_wrong("error", "error", "error")
    jobs = [brittle.submit() for _ in range(3)]
    assert brittle.work() == 3
    assert (brittle.root / "faults").read_text() == "error", "expected no third try"
    assert brittle.work(family="placeholder") == 3
    results = [brittle.status(job_id).result for job_id in jobs]
    assert [result and result.fallback and result.fallback.because.code for result in results] == [
        "generation_failed",
        "generation_failed",
        "job_type_stopped",
    ]
    assert [result and result.attempt for result in results] == [1, 1, 1]


def test_a_job_that_came_as_to_a_fallback_waits_if_that_is_stopped_too(brittle: BrittleSite) -> None:
    brittle.spec("brittle_spare", "fallback: placeholder_fast")
    brittle.spec("brittle_fast", "fallback: brittle_spare")
    brittle.settings("on_failure: fallback\n" + BREAKER % "1h")
    brittle.goes_wrong("error", "error", "error")
    stop = [brittle.submit("brittle_spare") for _ in range(2)]
    moved = brittle.submit("brittle_fast")
    assert brittle.work() == 4, "expected the moved job to be looked at twice, and no more"
    assert [brittle.status(job_id).effective_job_type for job_id in stop] == ["placeholder_fast"] * 2
    status = brittle.status(moved)
    assert (status.status, status.effective_job_type, status.attempt) == ("queued", "brittle_spare", 0)
    assert status.error is not None
    assert status.error.code == "generation_failed"


@pytest.mark.parametrize("prompt", ["a toddler", "a barn"])
def test_only_what_the_model_does_counts(
    brittle: BrittleSite, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    """Refused requests, and storage that refuses what was made, say nothing about a model."""
    if prompt == "a barn":
        monkeypatch.setattr("ourvidz.runtime.storage.folder.FolderStorage.put", refuse)
    for _ in range(3):
        brittle.submit(prompt=prompt)
    observer = Events()
    assert brittle.work(observer=observer) == 3
    assert observer.seen == []


def refuse(*_: object, **__: object) -> None:
    raise StorageRefused("too large")


def test_a_change_of_specs_or_settings_gives_a_stopped_type_another_chance(brittle: BrittleSite) -> None:
    brittle.goes_wrong("error", "error")
    jobs = [brittle.submit() for _ in range(3)]
    with Worker(brittle.site.project(), "brittle") as worker:
        worker.run(burst=True)
        assert brittle.status(jobs[2]).status == "queued"
        brittle.spec("brittle_fast", "guidance: 5.0".replace("guidance", "# guidance"))
        worker.run(burst=True)
    assert brittle.status(jobs[2]).status == "completed"


def test_a_worker_says_that_a_type_is_stopped_in_its_log_and_as_json(brittle: BrittleSite) -> None:
    brittle.goes_wrong("error", "black")
    for _ in range(2):
        brittle.submit()
    worker = brittle.site.ourvidz("run-worker", "--plugin", "brittle", "--burst")
    assert "brittle_fast is stopped for about 60 min: 2 jobs failed in a row" in worker.stderr
    assert "[output_invalid]" in worker.stderr
    brittle.goes_wrong("error", "black")
    for _ in range(2):
        brittle.submit()
    worker = brittle.site.ourvidz("run-worker", "--plugin", "brittle", "--burst", "--json")
    events = [json.loads(line) for line in worker.stdout.splitlines()]
    [stopped] = [event for event in events if event["event"] == "job_type_stopped"]
    assert (stopped["jobType"], stopped["failures"], stopped["seconds"]) == ("brittle_fast", 2, 3600)
    assert stopped["error"]["code"] == "output_invalid"


def test_queues_and_status_say_that_a_type_is_stopped_while_it_is(brittle: BrittleSite) -> None:
    brittle.goes_wrong("error", "black")
    for _ in range(2):
        brittle.submit()
    waiting = brittle.submit()
    with Worker(brittle.site.project(), "brittle") as worker:
        worker.run(burst=True)
        [stopped] = stopped_in(brittle)
        assert (stopped["jobType"], stopped["worker"], stopped["failures"]) == (
            "brittle_fast",
            worker.name,
            2,
        )
        assert stopped["error"]["code"] == "output_invalid"
        assert round(stopped["until"] - stopped["since"]) == 3600
        text = brittle.site.ourvidz("queues").stdout
        assert "brittle_fast is stopped until" in text
        assert "2 jobs in a row failed" in text
        assert json.loads(brittle.site.ourvidz("status", waiting, "--json").stdout)["stoppedOn"] == [
            worker.name
        ]
        assert (
            f"on {worker.name}, since its model keeps failing"
            in brittle.site.ourvidz("status", waiting).stdout
        )
    # The worker is gone, and with it what it has seen.
    assert stopped_in(brittle) == []
    assert brittle.status(waiting).stopped_on == ()


def stopped_in(brittle: BrittleSite) -> list[dict[str, Any]]:
    """What ``ourvidz queues`` says of the brittle family's queue."""
    rows = json.loads(brittle.site.ourvidz("queues", "--json").stdout)
    [stopped] = [row["stopped"] for row in rows if row["queue"] == "brittle_queue"]
    return list(stopped)


def test_a_queue_that_takes_no_notes_stops_no_worker(
    brittle: BrittleSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ourvidz.runtime.queue.sqlite.stops.SqliteStops.put", away)
    brittle.spec("brittle_other")
    brittle.goes_wrong("error", "black")
    for _ in range(2):
        brittle.submit()
    other = brittle.submit("brittle_other")
    assert brittle.work() == 3
    assert brittle.status(other).status == "completed"
    assert "does not show which job types are stopped" in caplog.text


def away(*_: object, **__: object) -> None:
    raise QueueUnavailable("locked")
