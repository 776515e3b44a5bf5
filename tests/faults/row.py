"""A row of the table: what is done to the system while it works, and on which queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.judge import Verdict
from tests.faults.scene import Kind, Scene, stage

#: Seconds between two looks at the workers.
_GLANCE = 0.02

#: How many workers take turns, one for each of the two cores that CI has.
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``run`` pushes jobs, does the harm, and returns when all is told of or its time is over."""

    name: str
    kind: Kind
    run: Callable[[Scene], None]
    redis_options: tuple[str, ...] = ()
    faults: int = 1
    """So many faults have to happen, or the row has shown nothing."""
    loses: bool = False
    """Whether it is there to show that losses are seen."""

    def judged(self, folder: Path) -> Verdict:
        """Run it in a folder that is not there yet; what workers wrote stays in it."""
        with stage(self.kind, folder, *self.redis_options) as scene:
            self.run(scene)
            return scene.verdict()


def work(
    scene: Scene,
    *,
    plans: Iterable[str] = (),
    meanwhile: Callable[[], None] = lambda: None,
    command: tuple[str, ...] = (),
    over: Callable[[], bool] | None = None,
    seconds: float,
) -> None:
    """Keep workers alive until everything is told of, for so many seconds at most.

    Each new one gets the next of ``plans``, as ``FAULTS_AT`` has it; ``meanwhile`` is called again and
    again.
    """
    left = iter(plans)
    deadline = time.monotonic() + seconds
    workers = [scene.worker(next(left, ""), command=command) for _ in range(WORKERS)]
    while not (over() if over else scene.is_over) and time.monotonic() < deadline:
        meanwhile()
        for place, worker in enumerate(workers):
            if worker.poll() is not None:
                workers[place] = scene.worker(next(left, ""), command=command)
        time.sleep(_GLANCE)


def complaints(row: Row, verdict: Verdict) -> Iterator[str]:
    """What is wrong with what became of a row."""
    if verdict.faults < row.faults:
        yield f"only {verdict.faults} of {row.faults} faults happened, so it shows nothing"
    if row.loses and not verdict.lost:
        yield "expected losses and found none: whoever judges sees nothing"
    if not row.loses and verdict.lost:
        yield f"{len(verdict.lost)} jobs were lost, such as {verdict.lost[0]}"
    if verdict.twice:
        yield f"{len(verdict.twice)} jobs completed twice, such as {verdict.twice[0]}"
