"""Jobs a second of one worker process, beside the queues that people use, on the same server."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks.redis_queue.site import REPOSITORY, Site
from ourvidz.runtime.backends import open_queue

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another queue: a program that pushes jobs and then works them."""

    name: str
    settings: str
    command: Sequence[str]
    jobs: int
    environment: Mapping[str, str] = field(default_factory=dict)
    loses: bool = False
    """Whether the job in hand is lost when it is killed."""

    def rate(self, site: Site) -> float:
        program = [str(self.jobs) if part == "JOBS" else part for part in self.command]
        program = [str(site.server.port) if part == "PORT" else part for part in program]
        told = subprocess.run(
            program,
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        return float(told.stdout.split()[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A worker of ourvidz; what producers have pushed is filed before, as the others' jobs are."""

    name: str
    settings: str
    what: str
    jobs: int
    loses: bool = False

    def rate(self, site: Site) -> float:
        site.push(self.jobs)
        with closing(open_queue(site.project())) as queue:
            queue.depths()
        worker = site.worker(self.what, str(self.jobs))
        told, _ = worker.communicate()
        return float(told.split()[-1])


def contestants(python: str) -> list[Ours | Peer]:
    """``python``: the interpreter that has the peers' packages."""
    return [
        Ours(name="ourvidz", settings="one job at a time", what="rate-alone", jobs=4000),
        Ours(
            name="ourvidz, with a picture",
            settings="reviewed, checked, encoded as PNG",
            what="rate",
            jobs=2000,
        ),
        Peer(
            name="BullMQ",
            settings="default, concurrency 1",
            command=["node", str(PEERS / "bullmq.mjs"), "PORT", "JOBS"],
            jobs=8000,
        ),
        Peer(
            name="streaQ",
            settings="concurrency 1",
            command=[python, "-m", "benchmarks.redis_queue.peers.streaq_worker", "PORT", "JOBS"],
            jobs=2000,
        ),
        Peer(
            name="Dramatiq",
            settings="one thread, default prefetch",
            command=[python, "-m", "benchmarks.redis_queue.peers.dramatiq_worker", "PORT", "JOBS"],
            jobs=500,
        ),
        Peer(
            name="Dramatiq",
            settings="one thread, prefetch of all jobs: one worker hoards the queue",
            command=[python, "-m", "benchmarks.redis_queue.peers.dramatiq_worker", "PORT", "JOBS"],
            jobs=5000,
            environment={"dramatiq_queue_prefetch": "5000"},
        ),
        Peer(
            name="arq",
            settings="default, ten jobs at a time",
            command=[python, "-m", "benchmarks.redis_queue.peers.arq_worker", "PORT", "JOBS", "10"],
            jobs=500,
        ),
        Peer(
            name="bare BRPOP loop",
            settings="loses the job in hand",
            command=[python, "-m", "benchmarks.redis_queue.peers.brpop", "PORT", "JOBS"],
            jobs=10000,
            loses=True,
        ),
    ]


def rates(site: Site, python: str, rounds: int) -> list[dict[str, object]]:
    """Every contestant once a round, so that whatever else the machine does meets them all."""
    known = contestants(python)
    measured: list[list[float]] = [[] for _ in known]
    for number in range(rounds):
        for one, found in zip(known, measured, strict=True):
            site.flush()
            found.append(one.rate(site))
            click.echo(f"round {number + 1}: {one.name} ({one.settings}): {found[-1]:.0f}", err=True)
    return [
        {
            "name": one.name,
            "settings": one.settings,
            "rates": [round(rate, 1) for rate in found],
            # A round compares like with like, however busy the machine was during it.
            "ratio": round(
                statistics.median(own / other for own, other in zip(measured[0], found, strict=True)),
                3,
            ),
        }
        for one, found in zip(known, measured, strict=True)
    ]
