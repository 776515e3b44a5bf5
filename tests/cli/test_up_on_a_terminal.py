"""What ``ourvidz up`` shows where there is a terminal."""

from __future__ import annotations

import os
import pty
import signal
import termios

from ourvidz.runtime.client import Client
from tests.site import Site


def test_a_table_below_the_log_shows_what_every_worker_does(site: Site) -> None:
    with Client.open(site.project()) as client:
        job = client.submit("placeholder_fast", prompt="a barn", params={"steps": 2, "step_time": 0.9})
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 120))
    up = site.start("up", stdout=slave)
    os.close(slave)
    shown = _until(master, f"{job[:8]} placeholder_fast", "1/2")
    assert "paint ██████░░░░░░ 1/2" in shown.split("\x1b[J")[-1]
    up.send_signal(signal.SIGTERM)
    header, worker, summary = _until(master).splitlines()[-3:]
    os.close(master)
    assert up.wait() == 0
    assert header.split() == ["worker", "state", "pid", "up", "restarts", "completed", "job", "step"]
    assert worker.split() == ["placeholder", "stopped", "-", "-", "0", "1", "-", "-"]
    assert "1 completed" in summary
    assert "placeholder_queue" in summary
    assert len(summary) < 120


def _until(master: int, *words: str) -> str:
    """What is shown until all of these words were; without any, until all who write have ended."""
    text = b""
    while not words or not all(word.encode() in text for word in words):
        try:
            text += os.read(master, 65536)
        except OSError:  # how Linux says that nobody writes any more
            assert not words, text.decode()
            break
    return text.decode(errors="replace")
