"""All rows, in a short form for every change and a long one for the table in the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tests.faults import redis_faults, signals
from tests.faults.plugins.labelled.steps import LABELS
from tests.faults.row import Row
from tests.faults.scene import Kind

Form = Literal["short", "long"]

KINDS: tuple[Kind, ...] = ("sqlite", "redis")

#: The steps that the plan's worker has as well.
PLAN_LABELS = ("claimed", "generating", "storing", "completing", "telling", "told")


def rows(form: Form) -> list[Row]:
    is_long = form == "long"
    return [*_kills(is_long), *_plan(is_long), *_other_signals(is_long), *_redis(is_long)]


def _kills(is_long: bool) -> Iterator[Row]:
    for kind in KINDS:
        if not is_long:
            run = signals.killed_at(LABELS, kills=len(LABELS), jobs=100, seconds=30)
            yield Row(name="SIGKILL at every step in turn", kind=kind, run=run)
            continue
        for label in LABELS:
            run = signals.killed_at([label], kills=50, jobs=500, seconds=180)
            yield Row(name=f"SIGKILL: {label}", kind=kind, run=run)
        run = signals.killed_anywhere(kills=50, jobs=500, seconds=180)
        yield Row(name="SIGKILL at any moment", kind=kind, run=run)


def _plan(is_long: bool) -> Iterator[Row]:
    kills, jobs = (300, 3000) if is_long else (12, 100)
    run = signals.plan_worker_killed(PLAN_LABELS, kills=kills, jobs=jobs, seconds=300 if is_long else 30)
    name = "the plan's worker, a plain RPOP loop: SIGKILL at every step in turn"
    yield Row(name=name, kind="redis", run=run, loses=True)


def _other_signals(is_long: bool) -> Iterator[Row]:
    count, jobs, seconds = (20, 200, 120) if is_long else (3, 30, 30)
    stopped = ("generating", "completing", "telling")
    for kind in KINDS:
        run = signals.asked_to_stop(1, asked=count, jobs=jobs, seconds=seconds)
        yield Row(name="SIGTERM", kind=kind, run=run)
        run = signals.asked_to_stop(2, asked=count, jobs=jobs, seconds=seconds)
        yield Row(name="a second SIGTERM", kind=kind, run=run)
        run = signals.stopped_at(stopped, stops=count, jobs=jobs, seconds=seconds)
        yield Row(name="SIGSTOP for two leases, then SIGCONT", kind=kind, run=run)


def _redis(is_long: bool) -> Iterator[Row]:
    times, jobs, seconds = (20, 300, 180) if is_long else (2, 30, 40)
    harms = {
        "Redis restarts": redis_faults.restart,
        "Redis is killed": redis_faults.kill,
        "Redis has no memory left for a second": redis_faults.fill,
        "SCRIPT FLUSH": redis_faults.forget_scripts,
    }
    for name, harm in harms.items():
        run = redis_faults.now_and_then(harm, times=times, jobs=jobs, seconds=seconds)
        # A killed server keeps what it has written, so it writes before it answers.
        yield Row(
            name=name,
            kind="redis",
            run=run,
            redis_options=("--appendonly", "yes", "--appendfsync", "always"),
        )
    run = redis_faults.replies_lost(
        times=33 if not is_long else 550, jobs=60 if not is_long else 1000, seconds=seconds
    )
    yield Row(name="a lost reply, of every verb in turn", kind="redis", run=run)
    run = redis_faults.cut_off(times=1 if not is_long else 10, jobs=jobs, seconds=seconds)
    yield Row(name="no way to Redis for two leases", kind="redis", run=run)
