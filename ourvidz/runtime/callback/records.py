"""The embedded callback: ``file:data/records``, one JSON file per job with the newest that was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ourvidz.jobs.callback import CallbackFailed
from ourvidz.jobs.diagnosis import Diagnosis, of_folder
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.spec.catalog import Catalog
from ourvidz.whole_files import make_folder, replace, sweep


class FileRecords:
    """See :class:`ourvidz.jobs.callback.Callback`. An event older than the record changes nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._drafts = self._folder / ".drafts"
        sweep(self._drafts)

    def deliver(self, entry: OutboxEntry) -> None:
        event = _event(entry.body, f"event {entry.id} of job {entry.job_id}")
        path = self._path(event.job_id)
        try:
            if path.exists() and _event(path.read_bytes(), str(path)).sequence >= event.sequence:
                return
            text = json.dumps(json.loads(entry.body), indent=2, ensure_ascii=False) + "\n"
            make_folder(path.parent)
            replace(path, text.encode(), drafts=self._drafts)
        except OSError as error:
            raise CallbackFailed(f"{path}: the record cannot be written: {error.strerror}") from error

    def locate(self, job_id: str) -> str | None:
        path = self._path(job_id)
        return str(path) if path.exists() else None

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`."""
        yield of_folder("callback", self._folder)

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"


def _event(body: bytes, where: str) -> JobEvent:
    try:
        return JobEvent.model_validate_json(body)
    except ValidationError as error:
        raise CallbackFailed(
            f"{where}: is not an event of version 1 ({error.error_count()} problems); mend or remove it"
        ) from None
