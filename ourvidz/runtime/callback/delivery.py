"""From the outbox to the platform: every event is tried until its receiver accepts it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ourvidz.jobs.callback import Callback, CallbackFailed
from ourvidz.jobs.outbox import Outbox, OutboxEntry
from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.foreign_errors import log_foreign

log = logging.getLogger(__name__)

#: Seconds until the second try, and what no later wait exceeds, however long a receiver was away.
FIRST_DELAY = 2.0
LONGEST_DELAY = 300.0

#: Seconds that one delivery may take before somebody else tries.
LEASE = 60.0


#: The same for events that were taken together, since the first may keep the others waiting.
SHARED_LEASE = 5.0

#: A receiver that takes less than this for an event, in seconds, is handed several at a time.
QUICK = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of the events that were due."""

    accepted: int
    failed: int
    retry_in: float = field(default=math.inf, compare=False)
    """Seconds until the event that failed is tried again."""


def deliver_due(
    outbox: Outbox,
    callback: Callback,
    *,
    limit: int = 20,
    accepted: Callable[[OutboxEntry], None] | None = None,
) -> Delivered:
    """Deliver events until none is due, ``limit`` are accepted, or one fails.

    A receiver that refuses one event probably refuses the next, and jobs wait meanwhile; so the
    rest stay for the next call. ``accepted`` learns of every event that arrived. Whatever the
    callback raises counts as a refusal, since an event that ended this worker would end the next.

    One event is taken at a time, and more from a receiver that is quick: what is taken and not delivered
    waits until its lease is over.
    """
    count, at_once = 0, 1
    while count < limit:
        entries = outbox.claim(
            limit=min(at_once, limit - count), lease_seconds=LEASE if at_once == 1 else SHARED_LEASE
        )
        if not entries:
            break
        start = time.monotonic()
        taken, reason = _hand_over(callback, entries)
        if taken:
            outbox.delivered(*taken)
        count += len(taken)
        if accepted is not None:
            for entry in taken:
                accepted(entry)
        if reason is not None:
            return Delivered(
                accepted=count, failed=1, retry_in=_try_later(outbox, entries[len(taken)], reason)
            )
        is_quick = time.monotonic() - start < QUICK * len(entries)
        at_once = at_once * 2 if is_quick else 1
    return Delivered(accepted=count, failed=0)


def _hand_over(
    callback: Callback, entries: Sequence[OutboxEntry]
) -> tuple[Sequence[OutboxEntry], str | None]:
    """The events that were accepted, and why the one after them was not."""
    for number, entry in enumerate(entries):
        reason = refusal(callback, entry)
        if reason is not None:
            return entries[:number], reason
    return entries, None


def _try_later(outbox: Outbox, entry: OutboxEntry, reason: str) -> float:
    """In how many seconds a refused event is tried again."""
    delay = back_off(entry.tries + 1, first=FIRST_DELAY, longest=LONGEST_DELAY)
    log.warning("job %s: event not accepted, next try in %.0f s: %s", entry.job_id, delay, reason)
    outbox.failed(entry, delay=delay, reason=reason)
    return delay


def refusal(callback: Callback, entry: OutboxEntry) -> str | None:
    """Why an event was not accepted; None if it was."""
    try:
        callback.deliver(entry)
    except CallbackFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  log_foreign logs it
        log_foreign(log, error, "job %s: the callback", entry.job_id)
        return f"the callback raised {type(error).__name__}"
    return None
