"""Dead letters on a Redis server."""

from __future__ import annotations

import time
from typing import cast

from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.jobs.states import JobState
from ourvidz.runtime.queue import reading, refusals
from ourvidz.runtime.queue.redis import rows
from ourvidz.runtime.queue.redis.arrivals import filing
from ourvidz.runtime.queue.redis.scripts import Scripts

#: Letters that one call looks through, and forgets.
PAGE = 200


class RedisDeadLetters:
    """See :class:`ourvidz.jobs.dead_letters.DeadLetters`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def list(self, *, queue: str | None = None, limit: int = 50) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        below = "+inf"
        while len(found) < limit:
            ask = {"queue": queue, "below": below, "limit": str(limit - len(found)), "page": str(PAGE)}
            next_below, *page = self._scripts.run("letters", ask)
            if not next_below:
                break
            below = next_below.decode()
            found += [rows.letter(*page[start : start + 3]) for start in range(0, len(page), 3)]
        return found

    def get(self, id: int) -> DeadLetter:
        _, *page = self._scripts.run("letters", {"below": str(id), "limit": "1", "page": "1"})
        letter = rows.letter(*page) if page else None
        if letter is None or letter.id != id:
            raise refusals.letter_unknown(id)
        return letter

    def retry(self, id: int) -> None:
        read = reading.read(self.get(id).payload, time.time())
        match self._scripts.run("letter_retry", {"id": str(id), "filing": filing(read)}, repeatable=False):
            case [b"unknown"]:
                raise refusals.letter_taken(id)
            case [b"conflict", job_id, state]:
                raise refusals.letter_needs_no_retry(id, job_id.decode(), cast(JobState, state.decode()))

    def purge(self, *, older_than: float) -> int:
        purged = 0
        while True:
            ask = {"older_than": str(older_than), "limit": str(PAGE - 1)}
            count = int(self._scripts.run("letters_purge", ask)[0])
            purged += count
            if count < PAGE:
                return purged
