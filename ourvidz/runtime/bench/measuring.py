"""Measures job types, from the claim to the stored result, on a storage of its own and without a queue."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ourvidz.errors import OurvidzError
from ourvidz.jobs.storage import Storage
from ourvidz.plugins.family import ModelFamily
from ourvidz.project import Project
from ourvidz.runtime.bench.jobs import check_job, write_claim
from ourvidz.runtime.bench.measurements import Measurement, Run
from ourvidz.runtime.bench.plan import Plan, loader, with_checkpoint
from ourvidz.runtime.failures import GenerationFailed
from ourvidz.runtime.making.maker import Maker, read_job
from ourvidz.runtime.making.resident_models import ResidentModels
from ourvidz.runtime.making.review import Review
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.storage.folder import FolderStorage
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import WorkerEntry

#: What is told meanwhile: what is being done, how many steps of it are, and of how many.
Tell = Callable[[str, int, int], None]


def measure(project: Project, ids: Sequence[str], plan: Plan, tell: Tell) -> Iterator[Measurement]:
    """Measure job types in this order, but those of one family and model together, which is loaded once.

    What cannot be measured is refused before anything is loaded. Raises UnknownJobType,
    RandomWeightsUnsupported, RequestInvalid, ReviewerMissing, what loading and generating raise, and
    GenerationFailed for an error that is not ourvidz's own, such as too little memory.
    """
    chosen = [project.catalog[one] for one in ids]
    for job_type in chosen:
        check_job(project, job_type, images=plan.images_of(job_type))
        loader(project, project.family(job_type.family), plan)
    project = with_checkpoint(project, chosen, plan)
    with (
        tempfile.TemporaryDirectory(prefix="ourvidz-") as folder,
        closing(FolderStorage(Path(folder))) as storage,
    ):
        for name, job_types in groupby(_by_model(project, chosen), key=lambda one: one.family):
            bench = _Bench(project, project.family(name), plan, storage, tell)
            try:
                yield from map(bench.measure, job_types)
            finally:
                bench.models.unload()


def _by_model(project: Project, chosen: Sequence[JobType]) -> list[JobType]:
    """Families, their models and the job types of each in the order in which they are first named."""
    families = [one.family for one in chosen]
    models = [project.catalog.model_name(one) for one in chosen]
    return sorted(
        chosen,
        key=lambda one: (families.index(one.family), models.index(project.catalog.model_name(one))),
    )


class _Bench:
    """Measures the job types of one family."""

    def __init__(
        self, project: Project, family: ModelFamily[Any], plan: Plan, storage: Storage, tell: Tell
    ) -> None:
        self._project = project
        self._plan = plan
        self._storage = storage
        self._tell = tell
        self._loading = _Loading(tell)
        worker = project.settings.workers.get(family.name, WorkerEntry())
        self.models = ResidentModels(
            project,
            family,
            plan.device or worker.device,
            self._loading,
            "bench",
            load=loader(project, family, plan),
        )
        self._maker = Maker(
            family=family,
            models=self.models,
            storage=storage,
            review=Review.of(project),
            profile=plan.profile,
        )

    def measure(self, job_type: JobType) -> Measurement:
        catalog, plan = self._project.catalog, self._plan
        images = plan.images_of(job_type)
        name = catalog.model_name(job_type)
        with _naming(f"{job_type.id}: loading {name}"):
            self.models.get(name, catalog.models[name])
        warm_up = [
            self._make(job_type, f"warm-up {number}/{plan.warm_up}", seed=(number - 1) * images)
            for number in range(1, plan.warm_up + 1)
        ]
        runs = [
            self._make(job_type, f"run {number}/{plan.runs}", seed=(plan.warm_up + number - 1) * images)
            for number in range(1, plan.runs + 1)
        ]
        return Measurement(
            model=name,
            weights=plan.weights or catalog.models[name].location,
            load_seconds=self._loading.seconds,
            warm_up=warm_up,
            runs=runs,
        )

    def _make(self, job_type: JobType, which: str, *, seed: int) -> Run:
        label, catalog = f"{job_type.id} {which}", self._project.catalog
        images = self._plan.images_of(job_type)
        claim = write_claim(self._project, job_type, self._storage, images=images, seed=seed)
        with _naming(label), tempfile.TemporaryDirectory(prefix="ourvidz-") as folder:
            context = _RunContext(Path(folder), label, self._tell)
            start = time.monotonic()
            result = self._maker.make(read_job(claim, catalog), catalog, context)
            return Run(seed=seed, total=time.monotonic() - start, result=result)


class _Loading(Observer):
    """Tells that a model is being loaded, and remembers how long the last one took."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.seconds = 0.0

    def model_loading(self, model: str) -> None:
        self._tell(f"loading {model}", 0, 0)

    def model_loaded(self, model: str, seconds: float) -> None:
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class _RunContext:
    """The context of one run. Nobody cancels it."""

    folder: Path
    label: str
    tell: Tell

    def step(self, stage: str, step: int, steps: int) -> None:
        self.tell(f"{self.label}  {stage}", step, steps)

    def generating(self) -> AbstractContextManager[None]:
        return nullcontext()


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn an error that is not ourvidz's own into one that names what was being done."""
    try:
        yield
    except OurvidzError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        raise GenerationFailed(f"{what}: {type(error).__name__}: {reason}") from error
