"""The embedded callback keeps a record of every job, for people to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ourvidz.jobs.callback import Callback, CallbackFailed
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.callback.records import FileRecords
from tests.conformance.callback import CallbackConformance, CallbackSite, entry
from tests.conformance.jobs import job_id


class RecordsSite(CallbackSite):
    """A folder of records. It breaks down when a file takes the folder's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Callback:
        return FileRecords(self.folder)

    def told(self, job_id: str) -> JobEvent | None:
        path = self.folder / f"{job_id}.json"
        return JobEvent.model_validate_json(path.read_bytes()) if path.exists() else None

    def break_down(self) -> None:
        self.folder.write_text("a file")


class TestFileRecords(CallbackConformance):
    @pytest.fixture
    def site(self, tmp_path: Path) -> CallbackSite:
        return RecordsSite(tmp_path / "records")


def test_a_record_is_json_that_people_can_read(tmp_path: Path) -> None:
    records = FileRecords(tmp_path / "records")
    records.deliver(entry("completed"))
    located = records.locate(job_id(1))
    assert located == str(tmp_path / "records" / f"{job_id(1)}.json")
    text = Path(located).read_text()
    assert '\n  "status": "completed",\n' in text
    assert '"project": "démo"' in text
    assert json.loads(text) == json.loads(entry("completed").body)


def test_a_record_is_replaced_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    records = FileRecords(tmp_path)
    records.deliver(entry("processing", sequence=1))
    records.deliver(entry("completed", sequence=2))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{job_id(1)}.json"]


def test_what_is_no_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallbackFailed, match="not an event"):
        FileRecords(tmp_path).deliver(OutboxEntry(id=1, job_id=job_id(1), body=b"{}", tries=0))
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_somebody_damaged_is_told_of_and_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / f"{job_id(1)}.json"
    path.write_text("{")
    with pytest.raises(CallbackFailed, match="mend or remove it"):
        FileRecords(tmp_path).deliver(entry("completed"))
    assert path.read_text() == "{"
