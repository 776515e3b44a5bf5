"""From a producer's push to the start of the job on an idle worker."""

from __future__ import annotations

import random
import signal
import threading
import time

from benchmarks.redis_queue.site import QUEUE, Site, payload

#: The plan's worker looks every two seconds.
POLLING = 2.0


def hand_overs(site: Site, count: int, *, warm_up: int = 20) -> list[float]:
    """Seconds of each hand-over; the worker waits again before the next push."""
    site.flush()
    worker = site.worker("starts", "0")
    assert worker.stdout is not None
    found = []
    with worker.stdout as said, site.server.client() as producer:
        assert said.readline() == "idle\n"
        for number in range(warm_up + count):
            time.sleep(random.uniform(0.1, 0.2))
            body = payload(number)
            pushed = time.monotonic()
            producer.lpush(QUEUE, body)
            started = said.readline()
            while started == "idle\n":
                started = said.readline()
            found.append(float(started) - pushed)
        worker.send_signal(signal.SIGTERM)
        said.read()
    worker.wait()
    return found[warm_up:]


def polled(site: Site, count: int) -> list[float]:
    """The same with a worker that looks into the list every two seconds."""
    site.flush()
    started: list[float] = []

    def poll() -> None:
        with site.server.client() as client:
            while len(started) < count:
                while client.rpop("polled") is not None:
                    started.append(time.monotonic())
                time.sleep(POLLING)

    worker = threading.Thread(target=poll)
    worker.start()
    found = []
    with site.server.client() as producer:
        for number in range(count):
            time.sleep(random.uniform(0, POLLING))
            pushed = time.monotonic()
            producer.lpush("polled", b"{}")
            while len(started) <= number:
                time.sleep(0.001)
            found.append(started[number] - pushed)
    worker.join()
    return found
