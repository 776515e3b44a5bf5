"""A bare loop, which loses the job in hand when it is killed. Arguments: port, jobs."""

from __future__ import annotations

import json
import sys

import redis

from benchmarks.redis_queue.peers.rate import Rate


def main(port: int, jobs: int) -> None:
    client = redis.Redis(port=port)
    for number in range(jobs):
        client.lpush("bench", json.dumps({"prompt": "a lighthouse above the sea", "seed": number}))
    rate = Rate(jobs)
    while rate.left:
        popped = client.brpop(["bench"])
        assert popped is not None
        json.loads(popped[1])
        rate.count()


main(*map(int, sys.argv[1:]))
