"""Events are delivered until they are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.jobs.callback import CallbackFailed
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.callback.delivery import LONGEST_DELAY, Delivered, back_off, deliver_due
from ourvidz.runtime.queue.sqlite import SqliteQueue
from tests.conformance.jobs import job_id
from tests.conformance.outbox import end_some
from tests.runtime.sqlite_site import SqliteSite


class Receiver:
    """Refuses as many events as it is told to, and keeps the others."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.accepted: list[OutboxEntry] = []

    def deliver(self, entry: OutboxEntry) -> None:
        if self.refusals:
            self.refusals -= 1
            raise CallbackFailed("503 Service Unavailable")
        self.accepted.append(entry)

    def locate(self, job_id: str) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def site(tmp_path: Path) -> SqliteSite:
    return SqliteSite(tmp_path / "queue.sqlite3")


@pytest.fixture
def queue(site: SqliteSite) -> Iterator[SqliteQueue]:
    with closing(site.open()) as queue:
        yield queue


def test_everything_that_is_due_is_delivered(queue: SqliteQueue) -> None:
    end_some(queue, 3)
    receiver = Receiver()
    heard: list[str] = []
    outcome = deliver_due(queue.outbox, receiver, accepted=lambda entry: heard.append(entry.job_id))
    assert outcome == Delivered(accepted=3, failed=0)
    assert sorted(heard) == [job_id(number) for number in range(3)]
    assert queue.outbox.waiting() == 0


def test_nothing_due_delivers_nothing(queue: SqliteQueue) -> None:
    assert deliver_due(queue.outbox, Receiver()) == Delivered(accepted=0, failed=0)


def test_no_more_is_delivered_than_the_limit(queue: SqliteQueue) -> None:
    end_some(queue, 3)
    assert deliver_due(queue.outbox, Receiver(), limit=2) == Delivered(accepted=2, failed=0)
    assert queue.outbox.waiting() == 1


def test_a_refused_event_is_tried_again_until_it_is_accepted(site: SqliteSite, queue: SqliteQueue) -> None:
    end_some(queue, 1)
    receiver = Receiver(refusals=3)
    for _ in range(3):
        assert deliver_due(queue.outbox, receiver) == Delivered(accepted=0, failed=1)
        assert deliver_due(queue.outbox, receiver) == Delivered(accepted=0, failed=0)
        site.pass_time(LONGEST_DELAY)
    assert deliver_due(queue.outbox, receiver) == Delivered(accepted=1, failed=0)
    assert [entry.tries for entry in receiver.accepted] == [3]


def test_after_a_refusal_the_rest_stays_for_the_next_call(queue: SqliteQueue) -> None:
    end_some(queue, 3)
    receiver = Receiver(refusals=1)
    assert deliver_due(queue.outbox, receiver) == Delivered(accepted=0, failed=1)
    assert deliver_due(queue.outbox, receiver) == Delivered(accepted=2, failed=0)


def test_waits_double_up_to_a_limit() -> None:
    waits = [back_off(tries, jitter=0) for tries in range(12)]
    assert waits[:3] == [2, 4, 8]
    assert waits[-1] == LONGEST_DELAY == back_off(10_000, jitter=0)


@pytest.mark.parametrize("tries", [0, 5, 50])
def test_waits_are_spread_over_half_their_length(tries: int) -> None:
    assert back_off(tries, jitter=1) == back_off(tries, jitter=0) / 2
