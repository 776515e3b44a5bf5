"""Events are delivered until they are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.jobs.callback import CallbackFailed
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.callback.delivery import LONGEST_DELAY, Delivered, deliver_due
from ourvidz.runtime.queue.sqlite import SqliteQueue
from tests.conformance.jobs import FAILURE, envelope, job_id
from tests.conformance.outbox import end_some
from tests.conformance.site import claimed
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


def test_what_was_taken_together_with_a_refused_event_is_not_lost(
    site: SqliteSite, queue: SqliteQueue
) -> None:
    end_some(queue, 7)

    class Tired(Receiver):
        def deliver(self, entry: OutboxEntry) -> None:
            if len(self.accepted) == 4:
                self.refusals = 1
            super().deliver(entry)

    tired = Tired()
    assert deliver_due(queue.outbox, tired) == Delivered(accepted=4, failed=1)
    site.pass_time(LONGEST_DELAY)
    receiver = Receiver()
    assert deliver_due(queue.outbox, receiver) == Delivered(accepted=3, failed=0)
    assert {entry.job_id for entry in tired.accepted + receiver.accepted} == {
        job_id(number) for number in range(7)
    }


class Broken(Receiver):
    """Fails over every event, and quotes it."""

    def deliver(self, entry: OutboxEntry) -> None:
        raise RuntimeError(f"cannot send {entry.body!r}")


def test_a_callback_that_breaks_is_told_of_and_ends_nobody(
    site: SqliteSite, queue: SqliteQueue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.push("sdxl_queue", envelope(1, metadata={"project": "lighthouses"}).to_payload())
    queue.fail(claimed(queue).lease, FAILURE)
    assert deliver_due(queue.outbox, Broken()) == Delivered(accepted=0, failed=1)
    assert "RuntimeError" in caplog.text
    assert "in deliver" in caplog.text
    assert "lighthouses" not in caplog.text
    site.pass_time(LONGEST_DELAY)
    receiver = Receiver()
    assert deliver_due(queue.outbox, receiver) == Delivered(accepted=1, failed=0)
    assert [entry.tries for entry in receiver.accepted] == [1]
