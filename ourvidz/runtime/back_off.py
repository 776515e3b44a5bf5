"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random


def back_off(failures: int, *, first: float, longest: float) -> float:
    """Seconds to wait after so many failures, from 1: doubled each time from ``first`` to ``longest``.

    Up to half is taken away at random, so that those who failed together do not come back together.
    """
    return min(longest, first * 2.0 ** min(failures - 1, 60)) * random.uniform(0.5, 1.0)
