"""The real queue, storage and callback, with a label at every step: ``labelled:redis://…``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.jobs.queue import Claim, Lease
from ourvidz.jobs.results import Result
from ourvidz.jobs.storage import ObjectKey
from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.runtime.builtin_backends import embedded, http, redis, supabase

from .steps import reach

B = TypeVar("B")

#: States that end a job; what is told of it before is news, which nothing depends on.
ENDS = ("completed", "failed", "cancelled")


class LabelledOutbox:
    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox
        #: A delivery belongs to whoever began it for a minute; nobody waits for that long here.
        self._longest = float(os.environ.get("FAULTS_OUTBOX_LEASE", "60"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    def claim(self, *, limit: int, lease_seconds: float) -> list[OutboxEntry]:
        entries: list[OutboxEntry] = self._outbox.claim(
            limit=limit, lease_seconds=min(lease_seconds, self._longest)
        )
        return entries

    def delivered(self, *entries: OutboxEntry) -> None:
        self._outbox.delivered(*entries)
        for entry in entries:
            reach("settled", entry.job_id)


class LabelledQueue:
    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.outbox = LabelledOutbox(queue.outbox)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def claim(self, queues: Sequence[str], **how: Any) -> Claim | None:
        found: Claim | None = self._queue.claim(queues, **how)
        if found is not None:
            reach("claimed", found.lease.job_id)
        return found

    def beat(self, lease: Lease, **how: Any) -> Any:
        answer = self._queue.beat(lease, **how)
        reach("beaten", lease.job_id)
        return answer

    def complete(self, lease: Lease, result: Result) -> None:
        reach("completing", lease.job_id)
        self._queue.complete(lease, result)
        reach("completed", lease.job_id)

    def complete_and_claim(
        self, lease: Lease, result: Result, queues: Sequence[str], **how: Any
    ) -> Claim | None:
        reach("completing", lease.job_id)
        found: Claim | None = self._queue.complete_and_claim(lease, result, queues, **how)
        reach("completed", lease.job_id)
        if found is not None:
            reach("claimed", found.lease.job_id)
        return found


class LabelledStorage:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def put(self, key: ObjectKey, data: bytes, *, content_type: str) -> None:
        job_id = key.path.split("/")[1]
        # A thumbnail follows its picture.
        reach("half stored" if ".thumb." in key.path else "storing", job_id)
        self._storage.put(key, data, content_type=content_type)


class LabelledCallback:
    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callback, name)

    def deliver(self, entry: OutboxEntry) -> None:
        is_end = json.loads(entry.body)["status"] in ENDS
        if is_end:
            reach("telling", entry.job_id)
        self._callback.deliver(entry)
        if is_end:
            reach("told", entry.job_id)


def open_queue(context: BackendContext) -> Any:
    queue = _open(context, [*embedded.ourvidz_queues(), *redis.ourvidz_queues()])
    clock = os.environ.get("FAULTS_CLOCK")
    if clock is not None:
        _follow(queue, Path(clock))
    return LabelledQueue(queue)


def open_storage(context: BackendContext) -> Any:
    return LabelledStorage(_open(context, [*embedded.ourvidz_storages(), *supabase.ourvidz_storages()]))


def open_callback(context: BackendContext) -> Any:
    return LabelledCallback(_open(context, [*embedded.ourvidz_callbacks(), *http.ourvidz_callbacks()]))


def _open(context: BackendContext, offered: Sequence[Backend[Any]]) -> Any:
    url = context.url.removeprefix("labelled:")
    [backend] = [one for one in offered if one.scheme == url.partition(":")[0]]
    return backend.open(replace(context, url=url))


def _follow(queue: Any, clock: Path) -> None:
    """Go by a clock that is as many seconds off as a file says: of this machine, or of the server."""

    def offset() -> float:
        return float(clock.read_text() or 0)

    if hasattr(queue, "_scripts"):
        queue._scripts._offset = offset
    else:
        queue._database.now = lambda: time.time() + offset()
