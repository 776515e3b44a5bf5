"""What lies on the producers' lists, and what is to become of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ourvidz.jobs.envelope import MAX_PAYLOAD, Envelope, EnvelopeInvalid
from ourvidz.jobs.wire import too_large
from ourvidz.runtime.queue import reading
from ourvidz.spec.settings import QueueEntry

_UNKNOWN = QueueEntry()


@dataclass(frozen=True, slots=True)
class Lists:
    """Which lists there are, and from which end workers take."""

    entries: Mapping[str, QueueEntry]

    @property
    def names(self) -> set[str]:
        """All that the settings know, and the older ones that they replace."""
        replaced = {entry.replaces for entry in self.entries.values() if entry.replaces}
        return {*self.entries, *replaced}

    def polling_interval(self, queue: str) -> float:
        """Seconds between two looks where waiting cannot block."""
        return self._entry(queue).polling_interval

    def push_command(self, queue: str) -> str:
        return "LPUSH" if self._pushes_left(queue) else "RPUSH"

    def ask(self, queues: Collection[str]) -> dict[str, Any]:
        """What a script has to know of the lists that it is given."""
        lists = [{"queue": one, "take": "right" if self._pushes_left(one) else "left"} for one in queues]
        return {"lists": lists, "largest": str(MAX_PAYLOAD)}

    def _pushes_left(self, queue: str) -> bool:
        return self._entry(queue).push == "left"

    def _entry(self, queue: str) -> QueueEntry:
        """An older queue is filled by the producers of the one that replaces it."""
        replacing = (entry for entry in self.entries.values() if entry.replaces == queue)
        return self.entries.get(queue) or next(replacing, _UNKNOWN)


def filings(shown: Sequence[bytes]) -> list[dict[str, Any]]:
    """Read what a script has shown: list, digest, size and bytes of each item."""
    now = time.time()
    return [
        {"list": number.decode(), "sha": digest.decode()} | filing(_read(int(size), payload, now))
        for number, digest, size, payload in _fours(shown)
    ]


def pushed(payload: bytes) -> dict[str, Any]:
    """Read what has just been pushed onto the only list asked for."""
    digest = hashlib.sha1(payload, usedforsecurity=False).hexdigest()
    return {"list": "1", "sha": digest} | filing(_read(len(payload), payload, time.time()))


def filing(read: Envelope | EnvelopeInvalid) -> dict[str, Any]:
    """What is to become of a payload."""
    if isinstance(read, EnvelopeInvalid):
        failure = {"failure": reading.failure_of(read).model_dump_json()}
        return failure if read.job_id is None else failure | {"job_id": read.job_id}
    job = {
        "job_id": read.job_id,
        "user_id": read.user_id,
        "job_type": read.job_type,
        "priority": str(read.priority),
        "submitted_at": repr(read.submitted_at.timestamp()),
    }
    return {"job": job} | ({"metadata": reading.metadata_of(read)} if read.metadata else {})


def _read(size: int, payload: bytes, now: float) -> Envelope | EnvelopeInvalid:
    return reading.read(payload, now) if size <= MAX_PAYLOAD else too_large(size)


def _fours(values: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    for start in range(0, len(values), 4):
        number, digest, size, payload = values[start : start + 4]
        yield number, digest, size, payload
