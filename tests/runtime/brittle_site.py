"""A project folder with a family that goes wrong when it is told to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ourvidz.jobs.queue import Claim, Queue
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.client import Client, JobStatus
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from tests.site import JOB_TYPE, SETTINGS, Site

BRITTLE = (
    JOB_TYPE.replace("PLACEHOLDER", "BRITTLE")
    .replace("placeholder", "brittle")
    .replace("  step_time: {min: 0, max: 5}\n", "  levels: {min: 2, max: 64}\n")
)


class BrittleSite:
    """A site's folder, what goes wrong next, and a worker that works until nothing waits."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.root = site.root
        self.spec("brittle_fast")
        self.settings("")

    def spec(self, id: str, *lines: str) -> None:
        """Write a job type of the brittle family: the usual one, and these lines."""
        self.site.spec(id, BRITTLE + "".join(f"{line}\n" for line in lines))

    def settings(self, text: str) -> None:
        """Write ourvidz.yaml: the usual one, and this."""
        folder = Path(__file__).parent / "brittle"
        (self.root / "ourvidz.yaml").write_text(SETTINGS.replace('"]', f'", "{folder}"]') + text)

    def goes_wrong(self, *faults: str) -> None:
        """What the next pictures run into, one after another; an empty word: nothing."""
        (self.root / "faults").write_text("\n".join(faults))

    def submit(self, job_type: str = "brittle_fast", *, prompt: str = "a barn", **wishes: Any) -> str:
        with Client.open(self.site.project()) as client:
            return client.submit(job_type, prompt=prompt, **wishes)

    def work(self, *, family: str = "brittle", observer: Observer | None = None) -> int:
        with Worker(self.site.project(), family, observer=observer) as worker:
            return worker.run(burst=True)

    def queue(self) -> closing[Queue]:
        return closing(open_queue(self.site.project()))

    @contextmanager
    def claimed(self, name: str) -> Iterator[tuple[Queue, Claim]]:
        """The next job of a queue, in the hands of somebody else."""
        with self.queue() as queue:
            claim = queue.claim([name], worker="somebody", lease_seconds=60, nonce="somebody's")
            assert claim is not None
            yield queue, claim

    def status(self, job_id: str) -> JobStatus:
        with Client.open(self.site.project()) as client:
            return client.status(job_id)

    def statuses(self, job_ids: Iterable[str]) -> list[str]:
        return [self.status(job_id).status for job_id in job_ids]

    def lines(self, name: str) -> int:
        """How many lines one of the family's notes has."""
        note = self.root / name
        return len(note.read_text().splitlines()) if note.exists() else 0
