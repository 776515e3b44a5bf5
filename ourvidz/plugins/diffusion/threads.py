"""How torch's threads wait for each other. Names no torch, which reads it when it is first imported."""

from __future__ import annotations

import os


def let_threads_sleep() -> None:
    """On a CPU, threads that wait must not spin: beside one busy process a picture takes ten times as long.

    To be called before torch is first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
