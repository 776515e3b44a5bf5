"""From the outbox to the platform: every event is tried until its receiver accepts it."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from ourvidz.jobs.callback import Callback, CallbackFailed
from ourvidz.jobs.outbox import Outbox, OutboxEntry

log = logging.getLogger(__name__)

#: Seconds until the second try; each further one waits twice as long.
FIRST_DELAY = 2.0

#: Seconds that no wait exceeds, however long a receiver has been away.
LONGEST_DELAY = 300.0

#: Seconds that one delivery may take before somebody else tries.
LEASE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of the events that were due."""

    accepted: int
    failed: int


def deliver_due(
    outbox: Outbox,
    callback: Callback,
    *,
    limit: int = 20,
    accepted: Callable[[OutboxEntry], None] | None = None,
    jitter: Callable[[], float] = random.random,
) -> Delivered:
    """Deliver events until none is due, ``limit`` are accepted, or one fails.

    A receiver that refuses one event probably refuses the next, and jobs wait meanwhile; so the
    rest stay for the next call. ``accepted`` learns of every event that arrived. ``jitter`` gives
    numbers from 0 to 1, so that workers do not come back all at once.
    """
    for count in range(limit):
        entries = outbox.claim(limit=1, lease_seconds=LEASE)
        if not entries:
            return Delivered(accepted=count, failed=0)
        entry = entries[0]
        try:
            callback.deliver(entry)
        except CallbackFailed as error:
            delay = back_off(entry.tries, jitter())
            log.warning("job %s: event not accepted, next try in %.0f s: %s", entry.job_id, delay, error)
            outbox.failed(entry, delay=delay, reason=str(error))
            return Delivered(accepted=count, failed=1)
        outbox.delivered(entry)
        if accepted is not None:
            accepted(entry)
    return Delivered(accepted=limit, failed=0)


def back_off(tries: int, jitter: float) -> float:
    """Seconds to wait after so many tries that failed before: doubled each time, capped, then spread.

    ``jitter`` from 0 to 1 takes away up to half.
    """
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(tries, 30))
    return longest * (1.0 - jitter / 2.0)
