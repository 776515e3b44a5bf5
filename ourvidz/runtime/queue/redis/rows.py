"""From a script's reply to what others see. Numbers are kept as texts on the server."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.jobs.events import EVENTS_PER_CLAIM, final_sequence
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.jobs.queue import Claim, JobRecord, Lease, QueueDepth
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.runtime.queue.records import ending, record, unreadable

_INTEGERS = ("attempt", "priority", "token")
_SECONDS = ("submitted_at", "started_at", "finished_at", "due")


def job_record(stored: bytes, payload: bytes, result: bytes) -> JobRecord:
    return record(_job(stored) | {"payload": payload, "result": result})


def claim(stored: bytes, payload: bytes) -> Claim:
    job = _job(stored)
    return Claim(
        lease=Lease(job_id=job["job_id"], token=job["token"]),
        queue=job["queue"],
        job_type=job["job_type"],
        rerouted=job["job_type"] != job["pushed_type"],
        attempt=job["attempt"],
        payload=payload,
    )


def depth(stored: bytes) -> QueueDepth:
    row = json.loads(stored)
    return QueueDepth(
        queue=row["queue"],
        waiting={job_type: int(count) for job_type, count in sorted(row["waiting"].items())},
        delayed=int(row["delayed"]),
        processing=int(row["processing"]),
        oldest_seconds=float(row["oldest"]) if "oldest" in row else None,
    )


def outbox_entry(stored: bytes) -> OutboxEntry:
    """The event is made from the stored parts anew at every try, and always the same."""
    row: dict[str, Any] = defaultdict(lambda: None, json.loads(stored))
    token, at = int(row["token"]), float(row["at"])
    error = Failure.model_validate_json(row["error"]) if row["error"] else None
    if row["user_id"] is None:
        assert error is not None
        event = unreadable(row["job_id"], error, at=at)
    else:
        result = Result.model_validate_json(row["result"]) if row["result"] else None
        started = row["started_at"]
        row |= {
            "attempt": int(row["attempt"]),
            "started_at": float(started) if started is not None else None,
            "metadata": row["metadata"] or "{}",
        }
        event = ending(row, row["status"], token=token, at=at, result=result, error=error)
    return OutboxEntry(
        id=final_sequence(token),
        job_id=row["job_id"],
        body=event.model_dump_json().encode(),
        tries=int(row["tries"]),
    )


def token_of(entry: OutboxEntry) -> str:
    """The token of the claim that an event ended."""
    return str(entry.id // EVENTS_PER_CLAIM)


def letter(id: bytes, stored: bytes, payload: bytes) -> DeadLetter:
    row: dict[str, Any] = json.loads(stored)
    return DeadLetter(
        id=int(id),
        queue=row["queue"],
        job_id=row.get("job_id"),
        failure=Failure.model_validate_json(row["failure"]),
        attempt=int(row["attempt"]),
        at=float(row["at"]),
        payload=payload,
    )


def _job(stored: bytes) -> dict[str, Any]:
    row: dict[str, Any] = defaultdict(lambda: None, json.loads(stored))
    return (
        row
        | {name: int(row[name]) for name in _INTEGERS}
        | {name: float(row[name]) for name in _SECONDS if row[name] is not None}
    )
