"""Makes what a gallery shows, as any job is made: by a worker, from a queue."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import click

from ourvidz.cli.progress import ProgressLine
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.project import Project
from ourvidz.runtime.client import Client
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.result_places import project_places
from ourvidz.runtime.worker import Worker


@dataclass(frozen=True, slots=True)
class Made:
    """A picture or a video."""

    prompt: str
    path: Path
    checkpoint: str
    """The digest of what made it."""


def make(prompts: Mapping[str, Sequence[str]], out: Path, *, profile: str | None = None) -> list[Made]:
    """Make a file in ``out`` from every prompt, in order; the first of a job type has the seed 1, and so on.

    ``prompts`` are by job type, ``profile`` is one of ``ourvidz.yaml``. Raises what a worker and a client
    raise, and ClickException if a job fails or the worker is stopped.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _backends_of_its_own():
        project = Project.open()
        with Client.open(project) as client:
            jobs = [
                (client.submit(job_type, prompt=prompt, seed=seed), prompt)
                for job_type, several in prompts.items()
                for seed, prompt in enumerate(several, start=1)
            ]
            watch = _Watch(len(jobs))
            try:
                for family in dict.fromkeys(project.catalog[job_type].family for job_type in prompts):
                    with Worker(project, family, profile=profile, observer=watch) as worker:
                        worker.run(burst=True)
            finally:
                watch.line.clear()
            results = [client.status(job).result for job, _ in jobs]
        made = [
            _keep(project, job, prompt, result, out / f"{number:02}")
            for number, ((job, prompt), result) in enumerate(zip(jobs, results, strict=True), start=1)
            if result is not None
        ]
    if len(made) < len(jobs):
        raise click.ClickException(f"stopped when {len(made)} of {len(jobs)} were made, which are in {out}")
    return made


def _keep(project: Project, job: str, prompt: str, result: Result, stem: Path) -> Made:
    place = Path(project_places(project, job, result)[0])
    path = stem.with_suffix(place.suffix)
    shutil.copyfile(place, path)
    return Made(prompt, path, str(result.fingerprint["checkpoint"]))


@contextmanager
def _backends_of_its_own() -> Iterator[None]:
    """Queue, storage and records in a temporary folder, so that jobs which wait elsewhere stay there."""
    with TemporaryDirectory() as folder:
        urls = {
            "OURVIDZ_QUEUE_URL": f"sqlite:{folder}/queue.sqlite3",
            "OURVIDZ_STORAGE_URL": f"file:{folder}/storage",
            "OURVIDZ_CALLBACK_URL": f"file:{folder}/records",
        }
        with patch.dict(os.environ, urls):
            yield


class _Watch(Observer):
    """Shows how many jobs are done and how far the running one is."""

    def __init__(self, jobs: int) -> None:
        self.line = ProgressLine()
        self._jobs = jobs
        self._number = 0

    def model_loading(self, model: str) -> None:
        self.line.show(f"loading {model}")

    def job_started(self, claim: Claim) -> None:
        self._number += 1

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self.line.show(f"{self._number} of {self._jobs}  {stage}", step, steps)

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        self.line.clear()
        raise click.ClickException(f"{outcome}: {failure.message if failure else 'nothing was made'}")
