"""Killed at any moment, the queue loses nothing that it acknowledged, and ends nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.runtime.queue.sqlite import SqliteQueue
from tests.conformance.jobs import job_id, result
from tests.conformance.site import claim, told
from tests.runtime.sqlite_site import SqliteSite

JOBS = 200
REPOSITORY = Path(__file__).parents[2]


class Victims:
    """Processes on one queue file, and everything that they have said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: Counter[tuple[str, str]] = Counter()
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.queue_victim", str(self.path), *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(victim)
        return victim

    def kill_after(self, victim: subprocess.Popen[str], lines: int) -> None:
        """Let it say so many lines, kill it wherever it is by then, and hear the rest."""
        assert victim.stdout is not None
        with victim.stdout as said:
            heard = [line for _ in range(lines) if (line := said.readline())]
            victim.kill()
            for line in [*heard, *said]:
                what, which = line.split()
                self.said[what, which] += 1

    def those(self, what: str) -> dict[str, int]:
        return {which: count for (said, which), count in self.said.items() if said == what}


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    victims = Victims(tmp_path / "queue.sqlite3")
    yield victims
    for victim in victims.started:
        victim.kill()
        victim.wait()


def test_producers_and_workers_killed_at_random_lose_no_job_and_end_none_twice(victims: Victims) -> None:
    chance = random.Random(7)
    SqliteQueue(victims.path).close()

    missing = 0
    while missing < JOBS:
        worker = victims.start("work")
        producer = victims.start("push", str(missing), str(JOBS))
        victims.kill_after(producer, chance.randrange(25, 70))
        victims.kill_after(worker, chance.randrange(5, 70))
        missing = max((int(number) + 1 for number in victims.those("pushed")), default=0)

    pushed = {job_id(int(number)) for number in victims.those("pushed")}
    assert len(pushed) == JOBS
    said = set(victims.those("completed"))
    assert said, "expected some jobs to be completed by workers that were killed later"
    assert max(victims.those("completed").values()) == 1

    with closing(SqliteQueue(victims.path)) as queue:
        states = Counter(record.state for record in queue.jobs(limit=2 * JOBS))
        assert sum(states.values()) == JOBS
        assert all(queue.job(one).state == "completed" for one in said)

    site = SqliteSite(victims.path)
    site.pass_time(3600)
    with closing(site.open()) as queue:
        finished = list(said)
        while found := claim(queue):
            assert found.lease.job_id not in said
            queue.complete(found.lease, result(found))
            finished.append(found.lease.job_id)
        events = [event.job_id for event in told(queue)]
        assert {record.state for record in queue.jobs(limit=2 * JOBS)} == {"completed"}
        assert queue.outbox.waiting() == 0

    handed_out = Counter(which.partition("/")[0] for which in victims.those("delivered"))
    assert set(handed_out) | set(events) == pushed, "expected every job to be told of"
    assert max(handed_out.values()) == 1, "expected one event per job, however often it was handed out"
    assert len(events) == len(set(events))
