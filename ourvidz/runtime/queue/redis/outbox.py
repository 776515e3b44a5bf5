"""The outbox on a Redis server."""

from __future__ import annotations

from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.queue.redis import rows
from ourvidz.runtime.queue.redis.scripts import Scripts


class RedisOutbox:
    """See :class:`ourvidz.jobs.outbox.Outbox`. An entry's id is its event's sequence."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def claim(self, *, limit: int, lease_seconds: float) -> list[OutboxEntry]:
        # Asked again after a lost reply it would hand out other events, so these wait for their lease.
        taken = self._scripts.run(
            "outbox_claim", {"limit": str(limit), "lease": str(lease_seconds)}, repeatable=False
        )
        return [rows.outbox_entry(one) for one in taken]

    def delivered(self, *entries: OutboxEntry) -> None:
        events = [{"job_id": entry.job_id, "token": rows.token_of(entry)} for entry in entries]
        self._scripts.run("outbox_delivered", {"events": events})

    def failed(self, entry: OutboxEntry, *, delay: float, reason: str) -> None:
        ask = {
            "job_id": entry.job_id,
            "token": rows.token_of(entry),
            "tries": str(entry.tries),
            "delay": str(delay),
            "reason": reason,
        }
        self._scripts.run("outbox_failed", ask)

    def waiting(self) -> int:
        count = self._scripts.connection.command("HLEN", self._scripts.key("outbox"))
        assert isinstance(count, int)
        return count
