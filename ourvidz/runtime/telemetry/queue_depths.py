"""How full the queues are, asked whenever the metrics are. Needs ``ourvidz[metrics]``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ourvidz.jobs import metrics as names
from ourvidz.jobs.queue import Queue, QueueDepth, QueueUnavailable


class QueueDepths(Collector):
    """Of the queues that the catalog knows: producers must not make up names here."""

    def __init__(self, open_queue: Callable[[], Queue], queues: Callable[[], Collection[str]]) -> None:
        """``open_queue`` makes a connection for one look, since each look comes from a thread of its own."""
        self._open_queue = open_queue
        self._queues = queues
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._look()
        yield GaugeMetricFamily(
            names.QUEUE_REACHABLE, "1: the queue answered.", value=0 if found is None else 1
        )
        if found is None:
            return
        held = {one.queue: one for one in found}
        jobs = GaugeMetricFamily(names.QUEUE_JOBS, "Jobs in a queue, by state.", labels=("queue", "state"))
        age = GaugeMetricFamily(
            names.QUEUE_AGE, "Seconds that the oldest waiting job has waited.", labels=("queue",)
        )
        for queue in sorted(self._queues()):
            depth = held.get(queue)
            jobs.add_metric((queue, "waiting"), sum(depth.waiting.values()) if depth else 0)
            jobs.add_metric((queue, "delayed"), depth.delayed if depth else 0)
            jobs.add_metric((queue, "processing"), depth.processing if depth else 0)
            age.add_metric((queue,), (depth.oldest_seconds if depth else None) or 0.0)
        yield jobs
        yield age

    def _look(self) -> list[QueueDepth] | None:
        try:
            with self._one_at_a_time, closing(self._open_queue()) as queue:
                return queue.depths()
        except QueueUnavailable:
            return None
