"""Producers and workers that are killed at random, and what must be true of any queue afterwards."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.conformance.jobs import job_id, result
from tests.conformance.site import QueueSite, claim, told

JOBS = 200
REPOSITORY = Path(__file__).parents[2]


class Victims:
    """Processes on one queue, and everything that they have said."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.said: Counter[tuple[str, str]] = Counter()
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.queue_victim", self.place, *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(victim)
        return victim

    def kill_after(
        self, victim: subprocess.Popen[str], lines: int, halfway: Callable[[], None] = lambda: None
    ) -> None:
        """Let it say so many lines, kill it wherever it is by then, and hear the rest."""
        assert victim.stdout is not None
        with victim.stdout as said:
            heard = [said.readline() for _ in range(lines // 2)]
            halfway()
            heard += [said.readline() for _ in range(lines - lines // 2)]
            victim.kill()
            for line in filter(None, [*heard, *said]):
                what, which = line.split()
                self.said[what, which] += 1

    def those(self, what: str) -> dict[str, int]:
        return {which: count for (said, which), count in self.said.items() if said == what}

    def stop(self) -> None:
        for victim in self.started:
            victim.kill()
            victim.wait()


def check_kills(
    victims: Victims, site: QueueSite, trouble: Callable[[], None] = lambda: None, *, seed: int = 7
) -> None:
    """Kill producers and workers until enough jobs are pushed, with ``trouble`` for all in every round.

    Then nothing that was acknowledged is lost, and nothing has ended twice.
    """
    chance = random.Random(seed)
    site.open().close()

    missing = 0
    while missing < JOBS:
        worker = victims.start("work")
        producer = victims.start("push", str(missing), str(JOBS))
        victims.kill_after(producer, chance.randrange(25, 70), halfway=trouble)
        victims.kill_after(worker, chance.randrange(5, 70))
        missing = max((int(number) + 1 for number in victims.those("pushed")), default=0)

    pushed = {job_id(int(number)) for number in victims.those("pushed")}
    assert len(pushed) == JOBS
    said = set(victims.those("completed"))
    assert said, "expected some jobs to be completed by workers that were killed later"
    assert max(victims.those("completed").values()) == 1

    with closing(site.open()) as queue:
        # What has only been pushed is a job from the first look at it.
        assert pushed <= {queue.job(one).job_id for one in pushed}
        states = Counter(record.state for record in queue.jobs(limit=2 * JOBS))
        assert sum(states.values()) == JOBS
        assert all(queue.job(one).state == "completed" for one in said)

    site.pass_time(3600)
    with closing(site.open()) as queue:
        finished = list(said)
        while found := claim(queue):
            assert found.lease.job_id not in said
            queue.complete(found.lease, result(found))
            finished.append(found.lease.job_id)
        assert len(finished) == len(set(finished))
        events = [event.job_id for event in told(queue)]
        assert {record.state for record in queue.jobs(limit=2 * JOBS)} == {"completed"}
        assert queue.outbox.waiting() == 0

    handed_out = Counter(which.partition("/")[0] for which in victims.those("delivered"))
    assert set(handed_out) | set(events) == pushed, "expected every job to be told of"
    assert max(handed_out.values()) == 1, "expected one event per job, however often it was handed out"
    assert len(events) == len(set(events))
