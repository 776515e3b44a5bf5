"""All that :class:`ourvidz.jobs.callback.Callback` promises, for a backend to inherit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import pytest

from ourvidz.jobs.callback import Callback, CallbackFailed
from ourvidz.jobs.events import JobEvent, final_sequence, progress_sequence
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.jobs.states import JobState
from tests.conformance.jobs import USER, job_id


class CallbackSite(Protocol):
    """A receiver of events, with nothing told at the start of every test."""

    def open(self) -> Callback: ...

    def told(self, job_id: str) -> JobEvent | None:
        """The event that the receiver goes by for this job."""
        ...

    def understood(self, event: JobEvent) -> JobEvent:
        """What this receiver can know of an event."""
        return event

    def break_down(self) -> None:
        """From now on the receiver accepts nothing."""
        ...


def entry(status: JobState, *, sequence: int = final_sequence(1), number: int = 1) -> OutboxEntry:
    """An event as the outbox hands it over."""
    event = JobEvent(
        job_id=job_id(number),
        sequence=sequence,
        status=status,
        at=datetime(2025, 7, 1, 12, 0, tzinfo=UTC),
        user_id=USER,
        job_type="sdxl_image_fast",
        attempt=1,
        metadata={"project": "démo"},
    )
    return OutboxEntry(id=sequence, job_id=event.job_id, body=event.model_dump_json().encode(), tries=0)


class CallbackConformance:
    """Inherit it, and give the ``site`` fixture."""

    @pytest.fixture
    def site(self) -> CallbackSite:
        raise NotImplementedError("a backend's test class gives the site")

    @pytest.fixture
    def callback(self, site: CallbackSite) -> Iterator[Callback]:
        callback = site.open()
        yield callback
        callback.close()

    def test_an_accepted_event_has_arrived_as_it_was(self, site: CallbackSite, callback: Callback) -> None:
        delivered = entry("completed")
        callback.deliver(delivered)
        assert site.told(job_id(1)) == site.understood(JobEvent.model_validate_json(delivered.body))

    def test_a_repeated_event_changes_nothing(self, site: CallbackSite, callback: Callback) -> None:
        callback.deliver(entry("completed"))
        before = site.told(job_id(1))
        callback.deliver(entry("completed"))
        assert site.told(job_id(1)) == before

    def test_a_late_event_changes_nothing(self, site: CallbackSite, callback: Callback) -> None:
        callback.deliver(entry("completed", sequence=final_sequence(2)))
        callback.deliver(entry("failed", sequence=final_sequence(1)))
        callback.deliver(entry("processing", sequence=progress_sequence(2, 7)))
        told = site.told(job_id(1))
        assert told is not None
        assert told.status == "completed"

    def test_a_job_that_failed_may_be_retried_and_complete(
        self, site: CallbackSite, callback: Callback
    ) -> None:
        callback.deliver(entry("failed", sequence=final_sequence(1)))
        callback.deliver(entry("processing", sequence=progress_sequence(2, 1)))
        callback.deliver(entry("completed", sequence=final_sequence(2)))
        told = site.told(job_id(1))
        assert told is not None
        assert told.status == "completed"

    def test_events_of_several_jobs_are_kept_apart(self, site: CallbackSite, callback: Callback) -> None:
        callback.deliver(entry("completed", number=1))
        callback.deliver(entry("failed", number=2))
        states = [told and told.status for told in map(site.told, (job_id(1), job_id(2), job_id(3)))]
        assert states == ["completed", "failed", None]

    def test_an_event_that_is_not_accepted_is_told_of(self, site: CallbackSite, callback: Callback) -> None:
        site.break_down()
        with pytest.raises(CallbackFailed):
            callback.deliver(entry("completed"))

    def test_nothing_is_located_for_a_job_that_was_never_told_of(self, callback: Callback) -> None:
        assert callback.locate(job_id(1)) is None
