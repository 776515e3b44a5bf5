"""Dramatiq with one thread; its prefetch comes from its variable. Arguments: port, jobs."""

from __future__ import annotations

import sys
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.redis_queue.peers.rate import Rate


def main(port: int, jobs: int) -> None:
    broker = RedisBroker(port=port)
    dramatiq.set_broker(broker)
    rate = Rate(jobs)

    def noop(*_: object) -> None:
        rate.count()

    actor = dramatiq.actor(noop)
    for number in range(jobs):
        actor.send("a lighthouse above the sea", number)
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    while rate.left:
        time.sleep(0.01)
    worker.stop()


main(*map(int, sys.argv[1:]))
