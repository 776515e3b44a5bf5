"""How many jobs a second were done, the first ones left out."""

from __future__ import annotations

import time

#: Jobs in which a worker warms up.
WARM_UP = 100


class Rate:
    """Counts jobs; after the last one it prints the jobs a second of those that count."""

    def __init__(self, jobs: int) -> None:
        self.left = jobs
        self._measured = jobs - WARM_UP
        self._start = 0.0

    def count(self) -> None:
        self.left -= 1
        if self.left == self._measured:
            self._start = time.perf_counter()
        if self.left == 0:
            print(self._measured / (time.perf_counter() - self._start), flush=True)
