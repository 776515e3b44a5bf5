"""All rows, in a short form for every change and a long one for the table in the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tests.faults import answers, oddities, redis_faults, signals
from tests.faults.plugins.labelled.steps import LABELS
from tests.faults.row import Row
from tests.faults.scene import Kind

Form = Literal["short", "long"]

KINDS: tuple[Kind, ...] = ("sqlite", "redis")

ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
EVERY_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")

#: The steps that the plan's worker has as well.
PLAN_LABELS = ("claimed", "generating", "storing", "completing", "telling", "told")


def rows(form: Form) -> list[Row]:
    is_long = form == "long"
    parts = (_kills, _plan, _other_signals, _redis, _answers, _oddities)
    return [row for part in parts for row in part(is_long)]


def _kills(is_long: bool) -> Iterator[Row]:
    for kind in KINDS:
        if not is_long:
            kills = len(LABELS)
            run = signals.killed_at(LABELS, kills=kills, jobs=100, seconds=40)
            yield Row(name="SIGKILL at every step in turn", kind=kind, run=run, faults=kills)
            continue
        for label in LABELS:
            run = signals.killed_at([label], kills=50, jobs=500, seconds=180)
            yield Row(name=f"SIGKILL: {label}", kind=kind, run=run, faults=50)
        run = signals.killed_anywhere(kills=50, jobs=500, seconds=180)
        yield Row(name="SIGKILL at any moment", kind=kind, run=run, faults=50)


def _plan(is_long: bool) -> Iterator[Row]:
    kills, jobs = (300, 3000) if is_long else (12, 100)
    run = signals.plan_worker_killed(PLAN_LABELS, kills=kills, jobs=jobs, seconds=300 if is_long else 40)
    name = "a plain RPOP loop: SIGKILL at every step in turn"
    yield Row(name=name, kind="redis", run=run, loses=True)


def _other_signals(is_long: bool) -> Iterator[Row]:
    count, jobs, seconds = (20, 200, 120) if is_long else (3, 30, 40)
    stopped = ("generating", "completing", "telling")
    for kind in KINDS:
        run = signals.asked_to_stop(1, asked=count, jobs=jobs, seconds=seconds)
        yield Row(name="SIGTERM", kind=kind, run=run, faults=count)
        run = signals.asked_to_stop(2, asked=count, jobs=jobs, seconds=seconds)
        yield Row(name="a second SIGTERM", kind=kind, run=run, faults=count)
        run = signals.stopped_at(stopped, stops=count, jobs=jobs, seconds=seconds)
        yield Row(name="SIGSTOP beyond the lease, then SIGCONT", kind=kind, run=run, faults=count)


def _redis(is_long: bool) -> Iterator[Row]:
    times, jobs, seconds = (20, 300, 180) if is_long else (2, 20, 40)
    harms = {
        "Redis restarts": (redis_faults.restart, ALWAYS),
        # What it has acknowledged is on the disk, which is a setting.
        "Redis is killed": (redis_faults.kill, ALWAYS),
        "Redis has no memory left": (redis_faults.fill, EVERY_SECOND),
        "SCRIPT FLUSH": (redis_faults.forget_scripts, EVERY_SECOND),
        # One that writes before every answer ends itself.
        "Redis has no disk left": (oddities.redis_disk_full, EVERY_SECOND),
    }
    for name, (harm, options) in harms.items():
        run = redis_faults.now_and_then(harm, times=times, jobs=jobs, seconds=seconds)
        yield Row(name=name, kind="redis", run=run, faults=times, redis_options=options)
    replies = 400 if is_long else len(redis_faults.VERBS)
    run = redis_faults.replies_lost(times=replies, jobs=jobs, seconds=seconds)
    yield Row(name="a lost reply, of every verb in turn", kind="redis", run=run, faults=replies)
    cuts = 10 if is_long else 1
    run = redis_faults.cut_off(times=cuts, jobs=jobs, seconds=seconds)
    yield Row(name="no way to Redis for two leases", kind="redis", run=run, faults=cuts)


def _answers(is_long: bool) -> Iterator[Row]:
    rounds, jobs, seconds = (5, 200, 240) if is_long else (1, 20, 50)
    for kind in KINDS if is_long else KINDS[1:]:
        refusals = [*answers.REFUSALS] * rounds
        run = answers.callback_fails(refusals, jobs=jobs, seconds=seconds)
        name = "callback: 5xx, 4xx, reset, lost reply"
        yield Row(name=name, kind=kind, run=run, faults=len(refusals))
        run = answers.callback_fails(["stall"] * rounds, jobs=jobs, seconds=seconds)
        yield Row(name="callback: stalls", kind=kind, run=run, faults=rounds)
        trouble = [*answers.TROUBLE] * rounds
        run = answers.storage_fails(trouble, jobs=jobs, seconds=seconds)
        name = "storage: 5xx, 400 with a code, reset, lost reply"
        yield Row(name=name, kind=kind, run=run, faults=len(trouble))
        refused = [*answers.NO] * rounds
        run = answers.storage_fails(refused, jobs=jobs, seconds=seconds)
        yield Row(name="storage: refuses for good", kind=kind, run=run, faults=len(refused))
    if is_long:
        run = answers.stalled_storage(jobs=jobs, seconds=seconds)
        yield Row(name="storage: stalls", kind="redis", run=run)


def _oddities(is_long: bool) -> Iterator[Row]:
    times, jobs, seconds = (10, 200, 180) if is_long else (2, 20, 40)
    for kind in KINDS:
        run = oddities.worker_disk_full(times=times // 2, jobs=jobs // 2, seconds=seconds)
        yield Row(name="no disk left for workers", kind=kind, run=run, faults=times // 2)
        run = oddities.poisoned(rounds=times // 2, jobs=jobs, seconds=seconds)
        yield Row(name="payloads that are no jobs", kind=kind, run=run, faults=times // 2)
        run = oddities.pushed_twice(jobs=5 * jobs, seconds=seconds)
        yield Row(name="every job pushed three times", kind=kind, run=run, faults=10 * jobs)
        run = oddities.clock_jumps(times=times, jobs=jobs, seconds=seconds)
        yield Row(name="the clock jumps an hour", kind=kind, run=run, faults=times)
