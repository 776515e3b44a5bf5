"""Workers that are killed, asked to stop, or stand still."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence

from tests.faults.judge import Fault
from tests.faults.row import work
from tests.faults.scene import JOB_TYPE, LEASE, REPOSITORY, Scene

#: A worker is harmed at one of the first so many jobs that it comes to.
FIRST_JOBS = 6


def signalled_at(
    labels: Sequence[str], signals: str, *, times: int, jobs: int, seconds: float
) -> Callable[[Scene], None]:
    """Workers get a signal, or two as in ``TERM+TERM``, at these steps, one after the other."""

    def run(scene: Scene) -> None:
        scene.push(jobs, until=lambda: len(scene.signalled()) >= times)
        work(scene, plans=_plans(labels, times, signals), seconds=seconds)
        scene.note_signals()

    return run


def killed_anywhere(*, kills: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Workers die by SIGKILL, one or the other, some moments after a job was claimed."""

    def run(scene: Scene) -> None:
        chance = random.Random(kills)
        left, heard, due = kills, 0, float("inf")
        scene.push(jobs, step_time=0.05, until=lambda: not left)

        def kill() -> None:
            nonlocal left, heard, due
            now, claims = time.monotonic(), len(scene.notes())
            if due == float("inf") and claims > heard:
                due = now + chance.uniform(0.0, 0.3)
            if left and now >= due:
                victim = chance.choice(scene.living())
                os.kill(victim.pid, signal.SIGKILL)
                victim.wait()
                scene.faults.append(Fault(at=now, over=now))
                left, heard, due = left - 1, claims, float("inf")

        work(scene, meanwhile=kill, seconds=seconds)

    return run


def stopped_at(labels: Sequence[str], *, stops: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Workers, heartbeat included, stand still for longer than the lease, and go on."""

    def run(scene: Scene) -> None:
        scene.push(jobs, until=lambda: len(scene.signalled()) >= stops)
        continued: set[int] = set()

        def go_on() -> None:
            now = time.monotonic()
            for note in scene.signalled():
                if note.pid not in continued and now > note.at + 2.5 * LEASE:
                    os.killpg(note.pid, signal.SIGCONT)
                    # It goes on with what it did, and makes room for the next.
                    os.kill(note.pid, signal.SIGTERM)
                    continued.add(note.pid)
                    scene.faults.append(Fault(at=note.at, over=now, job_id=note.job_id))

        # Somebody has to be there who takes over.
        scene.worker()

        def is_over() -> bool:
            return {note.pid for note in scene.signalled()} <= continued and scene.is_over

        work(scene, plans=_plans(labels, stops, "STOP"), meanwhile=go_on, over=is_over, seconds=seconds)

    return run


def killed_on_checkpoint(*, kills: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Workers that hold a small SDXL checkpoint die by SIGKILL, wherever they are."""

    def run(scene: Scene) -> None:
        scene.ourvidz("models", "make-small", "sdxl", "checkpoint")
        settings = scene.root / "ourvidz.yaml"
        model = "models: {sdxl: {family: sdxl, location: checkpoint}}\n"
        lease = f"workers: {{sdxl: {{lease: {LEASE:.0f}s}}}}\n"
        settings.write_text(settings.read_text().replace("workers:", f"{model}#") + lease)
        spec = JOB_TYPE.partition("params:")[0].replace("BLANK", "SDXL").replace("32x32", "64x64")
        (scene.root / "jobtypes" / "blank.yaml").write_text(spec)
        command = ("-P", "-m", "ourvidz", "run-worker", "--plugin", "sdxl", "--json")
        labels = ("claimed", "storing", "half stored", "completing", "completed", "telling", "told")
        scene.push(jobs, until=lambda: len(scene.signalled()) >= kills)
        work(scene, plans=_plans(labels, kills, "KILL"), command=command, seconds=seconds)
        scene.note_signals()

    return run


def plan_worker_killed(
    labels: Sequence[str], *, kills: int, jobs: int, seconds: float
) -> Callable[[Scene], None]:
    """The plan's own worker, a plain RPOP loop, dies by SIGKILL at these steps."""

    def run(scene: Scene) -> None:
        assert scene.server is not None
        scene.environment["PYTHONPATH"] = str(REPOSITORY)
        scene.environment["PLAN_REDIS"] = scene.server.url
        scene.push(jobs)
        quiet, seen = time.monotonic(), 0

        def is_quiet() -> bool:
            nonlocal quiet, seen
            if len(scene.platform.told) > seen:
                quiet, seen = time.monotonic(), len(scene.platform.told)
            return seen > 0 and time.monotonic() - quiet > 6.0

        command = ("-m", "tests.faults.plan_worker")
        work(scene, plans=_plans(labels, kills, "KILL"), command=command, over=is_quiet, seconds=seconds)
        scene.note_signals()

    return run


def _plans(labels: Sequence[str], count: int, name: str) -> Iterator[str]:
    """For one worker after the other: where it is harmed, and at which of its jobs."""
    chance = random.Random(count)
    for number in range(count):
        yield f"{labels[number % len(labels)]}:{chance.randint(1, FIRST_JOBS)}:{name}"
