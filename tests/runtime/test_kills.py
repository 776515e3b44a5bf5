"""Workers are killed at random points; every job completes, and none completes twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

from ourvidz.runtime.client import Client
from tests.site import JOB_TYPE, Site

JOBS = 200
KILLS = 25

#: A callback that appends every event that it is told to one file; appends of one line are atomic.
LEDGER = """
import os
from pathlib import Path
from ourvidz.plugins.backends import Backend
from ourvidz.plugins.hookspecs import hookimpl

class Ledger:
    def __init__(self, context):
        self._file = context.root / "ledger.jsonl"

    def deliver(self, entry):
        line = entry.body + b"\\\\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line)
        os.close(descriptor)

    def locate(self, job_id):
        return None

    def close(self):
        pass

@hookimpl
def ourvidz_callbacks():
    return [Backend(scheme="ledger", open=Ledger, embedded=True)]
"""


def test_killed_workers_lose_no_job_and_complete_none_twice(site: Site, client: Client) -> None:
    plugins = site.root / "more_plugins"
    plugins.mkdir()
    (plugins / "ledger.py").write_text(LEDGER.replace("\\\\n", "\\n"))
    settings = (site.root / "ourvidz.yaml").read_text()
    (site.root / "ourvidz.yaml").write_text(
        settings.replace('"]', '", "more_plugins"]') + "backends:\n  callback: 'ledger:'\n"
    )
    site.spec("placeholder_fast", JOB_TYPE.replace("steps: 4", "steps: 3"))
    ids = [
        client.submit("placeholder_fast", prompt=f"cliff {n}", params={"step_time": 0.01})
        for n in range(JOBS)
    ]

    chance = random.Random(20)
    workers = [site.worker("--burst", heard=False), site.worker("--burst", heard=False)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 1.5))
        victim = chance.randrange(2)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait()
        workers[victim] = site.worker("--burst", heard=False)
    while any(client.queue.job(job_id).state in ("queued", "processing") for job_id in ids):
        for index, worker in enumerate(workers):
            if worker.poll() is not None:
                assert worker.returncode == 0
                workers[index] = site.worker("--burst", heard=False)
        time.sleep(0.2)
    for worker in workers:
        worker.wait()

    records = [client.queue.job(job_id) for job_id in ids]
    assert Counter(one.state for one in records) == {"completed": JOBS}
    events = {
        (event["job_id"], event["sequence"])
        for event in map(json.loads, Path(site.root / "ledger.jsonl").read_text().splitlines())
        if event["status"] == "completed"
    }
    assert Counter(told for told, _ in events) == dict.fromkeys(ids, 1)
    for one in records:
        assert one.result is not None
        for asset in one.result.assets:
            assert (site.root / "data/storage" / asset.bucket / asset.path).is_file()
    assert sum(one.attempt - 1 for one in records) <= KILLS
