"""arq, one job at a time unless told otherwise. Arguments: port, jobs, most jobs at a time."""

from __future__ import annotations

import asyncio
import logging
import sys

from arq import Worker, create_pool, func
from arq.connections import RedisSettings

from benchmarks.redis_queue.peers.rate import Rate


async def main(port: int, jobs: int, max_jobs: int = 1) -> None:
    logging.disable()
    pool = await create_pool(RedisSettings(port=port))
    for number in range(jobs):
        await pool.enqueue_job("noop", "a lighthouse above the sea", number)
    rate = Rate(jobs)

    async def noop(*_: object) -> None:
        rate.count()

    await Worker([func(noop, name="noop")], redis_pool=pool, burst=True, max_jobs=max_jobs).main()


asyncio.run(main(*map(int, sys.argv[1:])))
