"""The labelled steps of a job's way, and what happens to the process that comes to one.

``FAULTS_AT=storing:3:KILL`` kills the process when it has come to ``storing`` for the third time, and
``TERM+TERM`` asks it twice to stop. A line in the file of ``FAULTS_LEDGER`` says so, and one says that a
job was claimed.
"""

from __future__ import annotations

import json
import os
import signal
import time

#: In the order in which a job comes to them. ``beaten`` is the heartbeat's, which is a process of its own.
LABELS = (
    "claimed",
    "beaten",
    "generating",
    "storing",
    "half stored",
    "completing",
    "completed",
    "telling",
    "told",
    "settled",
)

_place, _, _rest = os.environ.get("FAULTS_AT", "").partition(":")
_times, _, _signal = _rest.partition(":")
_left = int(_times or 0)


def reach(label: str, job_id: str) -> None:
    """Note where this process is; it may be the last thing that it does."""
    global _left
    if label == "claimed":
        _note(label, job_id)
    if label != _place or _left == 0:
        return
    _left -= 1
    if _left == 0:
        _note(_signal, job_id)
        if _signal == "STOP":
            # With its heartbeat: a machine that stands still, stands still as a whole.
            os.killpg(0, signal.SIGSTOP)
        else:
            for name in _signal.split("+"):
                os.kill(os.getpid(), signal.Signals[f"SIG{name}"])


def _note(what: str, job_id: str) -> None:
    line = json.dumps({"what": what, "job_id": job_id, "pid": os.getpid(), "at": time.monotonic()})
    ledger = os.open(os.environ["FAULTS_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, f"{line}\n".encode())
    os.close(ledger)
