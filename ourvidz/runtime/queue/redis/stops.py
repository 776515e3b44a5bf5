"""Stopped job types on a Redis server."""

from __future__ import annotations

import json
from typing import Any

from ourvidz.jobs.states import Reason
from ourvidz.jobs.stops import StoppedJobType
from ourvidz.runtime.queue.redis.scripts import Scripts


class RedisStops:
    """See :class:`ourvidz.jobs.stops.Stops`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def put(self, *, worker: str, job_type: str, failures: int, reason: Reason, seconds: float) -> None:
        ask = {
            "worker": worker,
            "job_type": job_type,
            "failures": str(failures),
            "reason": reason.model_dump_json(),
            "seconds": str(seconds),
        }
        self._scripts.run("stops_put", ask)

    def lift(self, *, worker: str) -> None:
        self._scripts.run("stops_lift", {"worker": worker})

    def list(self) -> list[StoppedJobType]:
        found = [_stopped(one) for one in self._scripts.run("stops", {})]
        return sorted(found, key=lambda one: (one.job_type, one.worker))


def _stopped(stored: bytes) -> StoppedJobType:
    row: dict[str, Any] = json.loads(stored)
    return StoppedJobType(
        job_type=row["job_type"],
        worker=row["worker"],
        failures=int(row["failures"]),
        reason=Reason.model_validate_json(row["reason"]),
        since=float(row["since"]),
        until=float(row["until"]),
    )
