"""Where a queue's data lies, and the handles that a test has on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.queue import Claim, Queue
from tests.conformance.jobs import result


class QueueSite(Protocol):
    """The data of one queue, empty at the start of every test."""

    @property
    def opener(self) -> Callable[[], Queue]:
        """Opens the data in another process, by the real clock; can be pickled."""
        ...

    def open(self) -> Queue:
        """Another handle on the same data, by the clock that :meth:`pass_time` moves."""
        ...

    def pass_time(self, seconds: float) -> None:
        """Let time go by for leases and delays."""
        ...


class OnQueue:
    """Base of the suites: one queue, and a second handle on its data."""

    @pytest.fixture
    def site(self) -> QueueSite:
        raise NotImplementedError("a backend's test class gives the site")

    @pytest.fixture
    def queue(self, site: QueueSite) -> Iterator[Queue]:
        queue = site.open()
        yield queue
        queue.close()

    @pytest.fixture
    def other(self, site: QueueSite) -> Iterator[Queue]:
        """A second handle on the same data, as another process has it."""
        queue = site.open()
        yield queue
        queue.close()


def claim(
    queue: Queue,
    *queues: str,
    nonce: str | None = None,
    lease: float = 30.0,
    only: list[str] | None = None,
) -> Claim | None:
    """Claim from ``sdxl_queue``, or from the given queues, under a nonce that no other call has."""
    name = nonce or f"nonce-{next(_NUMBERS)}"
    return queue.claim(queues or ["sdxl_queue"], worker="test", lease_seconds=lease, nonce=name, only=only)


def claimed(
    queue: Queue, *queues: str, nonce: str | None = None, lease: float = 30.0, only: list[str] | None = None
) -> Claim:
    """Claim a job that has to be there."""
    found = claim(queue, *queues, nonce=nonce, lease=lease, only=only)
    assert found is not None, "expected a job to claim, found none"
    return found


def complete_and_claim(
    queue: Queue, made: Claim, *queues: str, nonce: str | None = None, only: list[str] | None = None
) -> Claim | None:
    """Complete a job and claim the next one, as :func:`claim` does."""
    return queue.complete_and_claim(
        made.lease,
        result(made),
        queues or ["sdxl_queue"],
        worker="test",
        lease_seconds=30.0,
        nonce=nonce or f"nonce-{next(_NUMBERS)}",
        only=only,
    )


def told(queue: Queue) -> list[JobEvent]:
    """Take every event that is due, and accept it."""
    entries = queue.outbox.claim(limit=1000, lease_seconds=30.0)
    for entry in entries:
        queue.outbox.delivered(entry)
    return [JobEvent.model_validate_json(entry.body) for entry in entries]


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


_NUMBERS = _numbers()
