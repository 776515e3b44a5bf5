"""What a worker and its heartbeat hold in memory before there is a model."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from benchmarks.redis_queue.site import QUEUE, Site, payload


def proportional_set_size(site: Site) -> dict[str, int]:
    """Bytes of PSS of an idle worker that has made a job, and of its heartbeat process."""
    site.flush()
    worker = site.worker("starts", "0")
    assert worker.stdout is not None
    with worker.stdout as said, site.server.client() as producer:
        assert said.readline() == "idle\n"
        producer.lpush(QUEUE, payload(0))
        said.readline()
        assert said.readline() == "idle\n"
        # The courier has something to do yet, and the heartbeat has begun to wait.
        time.sleep(1.0)
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        [heartbeat] = children
        sizes = {"worker": _pss(worker.pid), "heartbeat": _pss(int(heartbeat))}
        worker.send_signal(signal.SIGTERM)
        said.read()
    worker.wait()
    return sizes


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not say what a process holds")
