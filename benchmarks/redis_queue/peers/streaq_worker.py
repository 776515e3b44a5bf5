"""streaQ, one job at a time. Arguments: port, jobs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from streaq import Worker

from benchmarks.redis_queue.peers.rate import Rate


async def main(port: int, jobs: int) -> None:
    logging.disable()
    worker = Worker(redis_url=f"redis://127.0.0.1:{port}", concurrency=1)
    rate = Rate(jobs)

    async def noop(*_: object) -> None:
        rate.count()
        if rate.left == 0:
            # Whatever it would still do is not measured.
            os._exit(0)

    task = worker.task()(noop)
    async with worker:
        await worker.enqueue_many([task.enqueue("a lighthouse above the sea", one) for one in range(jobs)])
    await worker.run_async()


asyncio.run(main(*map(int, sys.argv[1:])))
