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

#: What a killed server has acknowledged is on the disk if it writes before it answers.
ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
EVERY_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")

#: Names of rows that both forms have.
ANYWHERE = "SIGKILL at any moment"
CALLBACK = "callback: 5xx, 4xx, reset, lost reply"
STORAGE = "storage: 5xx, 400 and code, reset, lost reply"
STOPPED = "SIGSTOP beyond the lease, then SIGCONT"
CLOCK = "the clock jumps an hour"

#: Where a worker stands still.
STOPS = ("generating", "completing", "telling")

#: The steps that the plan's worker has as well.
PLAN_LABELS = ("claimed", "generating", "storing", "completing", "telling", "told")


def rows(form: Form) -> list[Row]:
    return [*_long()] if form == "long" else [*_short()]


def _short() -> Iterator[Row]:
    """Every fault once or twice, several of them in one row, within a minute on two cores."""
    kills, jobs, seconds = len(LABELS), 20, 80
    for kind in KINDS:
        run = signals.signalled_at(LABELS, "KILL", times=kills, jobs=50, seconds=seconds)
        yield Row(name="SIGKILL at every step in turn", kind=kind, run=run, faults=kills)
    run = signals.killed_anywhere(kills=4, jobs=jobs, seconds=seconds)
    yield Row(name=ANYWHERE, kind="redis", run=run, faults=4)
    yield _plan(kills=12, jobs=100, seconds=seconds)
    run = signals.signalled_at(STOPS, "TERM", times=3, jobs=jobs, seconds=seconds)
    yield Row(name="SIGTERM", kind="sqlite", run=run, faults=3)
    run = signals.signalled_at(STOPS, "TERM+TERM", times=3, jobs=jobs, seconds=seconds)
    yield Row(name="a second SIGTERM", kind="redis", run=run, faults=3)
    run = signals.stopped_at(STOPS, stops=3, jobs=jobs, seconds=seconds)
    yield Row(name=STOPPED, kind="sqlite", run=run, faults=3)
    run = redis_faults.now_and_then(
        redis_faults.restart, redis_faults.kill, times=2, jobs=jobs, seconds=seconds
    )
    yield Row(name="Redis restarts, is killed", kind="redis", run=run, faults=2, redis_options=ALWAYS)
    run = redis_faults.now_and_then(
        redis_faults.fill,
        redis_faults.forget_scripts,
        oddities.redis_disk_full,
        times=3,
        jobs=jobs,
        seconds=seconds,
    )
    yield Row(name="Redis has no memory, scripts, disk", kind="redis", run=run, faults=3)
    yield from _ways_to_redis(replies=len(redis_faults.VERBS), cuts=1, jobs=jobs, seconds=seconds)
    answered = [*answers.REFUSALS, "stall"]
    run = answers.callback_fails(answered, jobs=jobs, seconds=seconds)
    yield Row(name=f"{CALLBACK}, stall", kind="redis", run=run, faults=len(answered))
    stored = [*answers.TROUBLE, *answers.NO]
    run = answers.storage_fails(stored, jobs=jobs, seconds=seconds)
    yield Row(name=f"{STORAGE}, no for good", kind="sqlite", run=run, faults=len(stored))
    run = oddities.worker_disk_full(times=1, jobs=10, seconds=seconds)
    yield Row(name="no disk left for workers", kind="sqlite", run=run)
    yield _poison("redis", rounds=1, jobs=jobs, seconds=seconds)
    yield _thrice("redis", jobs=50, seconds=seconds)
    run = oddities.clock_jumps(times=2, jobs=jobs, seconds=seconds)
    yield Row(name=CLOCK, kind="sqlite", run=run, faults=2)


def _long() -> Iterator[Row]:
    """On each queue 520 kills and 5,200 jobs, and every other fault ten times or more."""
    jobs, seconds = 100, 300
    for kind in KINDS:
        for label in LABELS:
            run = signals.signalled_at([label], "KILL", times=50, jobs=500, seconds=seconds)
            yield Row(name=f"SIGKILL: {label}", kind=kind, run=run, faults=50)
        run = signals.killed_anywhere(kills=20, jobs=200, seconds=seconds)
        yield Row(name=ANYWHERE, kind=kind, run=run, faults=20)
    run = signals.killed_on_checkpoint(kills=7, jobs=50, seconds=seconds)
    yield Row(name="SIGKILL with an SDXL checkpoint", kind="redis", run=run, faults=7)
    yield _plan(kills=300, jobs=3000, seconds=seconds)
    for kind in KINDS:
        run = signals.signalled_at(STOPS, "TERM", times=12, jobs=jobs, seconds=seconds)
        yield Row(name="SIGTERM", kind=kind, run=run, faults=12)
        run = signals.signalled_at(STOPS, "TERM+TERM", times=12, jobs=jobs, seconds=seconds)
        yield Row(name="a second SIGTERM", kind=kind, run=run, faults=12)
        run = signals.stopped_at(STOPS, stops=12, jobs=jobs, seconds=seconds)
        yield Row(name=STOPPED, kind=kind, run=run, faults=12)
    harms = {
        "Redis restarts": (redis_faults.restart, ALWAYS),
        "Redis is killed": (redis_faults.kill, ALWAYS),
        "Redis has no memory left": (redis_faults.fill, EVERY_SECOND),
        "SCRIPT FLUSH": (redis_faults.forget_scripts, EVERY_SECOND),
        # One that writes before every answer ends itself.
        "Redis has no disk left": (oddities.redis_disk_full, EVERY_SECOND),
    }
    for name, (harm, options) in harms.items():
        run = redis_faults.now_and_then(harm, times=12, jobs=jobs, seconds=seconds)
        yield Row(name=name, kind="redis", run=run, faults=12, redis_options=options)
    yield from _ways_to_redis(replies=10 * len(redis_faults.VERBS), cuts=10, jobs=jobs, seconds=seconds)
    for kind in KINDS:
        refusals = [*answers.REFUSALS] * 3
        run = answers.callback_fails(refusals, jobs=jobs, seconds=seconds)
        yield Row(name=CALLBACK, kind=kind, run=run, faults=len(refusals))
        run = answers.callback_fails(["stall"] * 3, jobs=jobs, seconds=seconds)
        yield Row(name="callback: stall", kind=kind, run=run, faults=3)
        trouble = [*answers.TROUBLE] * 3
        run = answers.storage_fails(trouble, jobs=jobs, seconds=seconds)
        yield Row(name=STORAGE, kind=kind, run=run, faults=len(trouble))
        refused = [*answers.NO] * 3
        run = answers.storage_fails(refused, jobs=jobs, seconds=seconds)
        yield Row(name="storage: no for good", kind=kind, run=run, faults=len(refused))
        run = oddities.worker_disk_full(times=5, jobs=20, seconds=seconds)
        yield Row(name="no disk left for workers", kind=kind, run=run, faults=5)
        yield _poison(kind, rounds=10, jobs=jobs, seconds=seconds)
        yield _thrice(kind, jobs=500, seconds=seconds)
        run = oddities.clock_jumps(times=10, jobs=jobs, seconds=seconds)
        yield Row(name=CLOCK, kind=kind, run=run, faults=10)
    run = answers.storage_fails([answers.STALL], jobs=20, seconds=seconds)
    yield Row(name="storage: stall", kind="redis", run=run)


def _plan(*, kills: int, jobs: int, seconds: float) -> Row:
    run = signals.plan_worker_killed(PLAN_LABELS, kills=kills, jobs=jobs, seconds=seconds)
    name = "a plain RPOP loop: SIGKILL at every step in turn"
    return Row(name=name, kind="redis", run=run, loses=True)


def _ways_to_redis(*, replies: int, cuts: int, jobs: int, seconds: float) -> Iterator[Row]:
    run = redis_faults.replies_lost(times=replies, seconds=seconds)
    yield Row(name="a lost reply, of every verb in turn", kind="redis", run=run, faults=replies)
    run = redis_faults.cut_off(times=cuts, jobs=jobs, seconds=seconds)
    yield Row(name="no way to Redis for two leases", kind="redis", run=run, faults=cuts)


def _poison(kind: Kind, *, rounds: int, jobs: int, seconds: float) -> Row:
    run = oddities.poisoned(rounds=rounds, jobs=jobs, seconds=seconds)
    return Row(name="payloads that are no jobs", kind=kind, run=run, faults=rounds * len(oddities.poisons()))


def _thrice(kind: Kind, *, jobs: int, seconds: float) -> Row:
    run = oddities.pushed_twice(jobs=jobs, seconds=seconds)
    return Row(name="every job pushed three times", kind=kind, run=run, faults=2 * jobs)
