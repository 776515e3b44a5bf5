"""The models in memory: loaded when a job needs them, kept while there is room, the last used longest."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ourvidz.plugins.family import FreesMemory, LoadContext, Model, ModelFamily
from ourvidz.plugins.requirements import load_model
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.plugins.worker_events import WorkerEvent, WorkerEventKind
from ourvidz.project import Project
from ourvidz.runtime.observer import Observer
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry, WorkerEntry
from ourvidz.spec.vram import Room, measure_room, written

Load: TypeAlias = Callable[[ModelFamily[Any], LoadContext], Model[Any]]


@dataclass(frozen=True, slots=True)
class _Resident:
    """A model in memory, and the entry that it was loaded by."""

    entry: ModelEntry
    model: Model[Any]


class ResidentModels:
    """Holds one family's models: those that fit into the declared memory, or one if none is declared."""

    def __init__(
        self,
        project: Project,
        family: ModelFamily[Any],
        device: str | None,
        observer: Observer,
        worker: str,
        *,
        load: Load = load_model,
    ) -> None:
        """One model at a time until :meth:`follow` says more.

        ``load`` brings a model into memory; a worker's reads its checkpoint.
        """
        self._project = project
        self._family = family
        self._device = device
        self._observer = observer
        self._worker = worker
        self._load = load
        self._room: Room | None = None
        self._shared = SharedParts()
        self._held: dict[str, _Resident] = {}
        """By name, least recently used first."""

    def follow(self, project: Project, job_types: Iterable[JobType]) -> None:
        """Go by these job types and settings, and drop models that are not theirs any more."""
        self._project = project
        catalog, job_types = project.catalog, [one for one in job_types if one.takes_jobs]
        models = {name: entry for name, entry in catalog.models.items() if entry.family == self._family.name}
        total = project.settings.workers.get(self._family.name, WorkerEntry()).vram
        self._room = None
        if total is not None:
            self._room = measure_room(total, job_types, models, self._family.default_model)
        needed = {catalog.model_name(one) for one in job_types}
        for name, resident in list(self._held.items()):
            if name not in needed:
                self._drop(name, "no job type is made with it any more")
            elif models[name] != resident.entry:
                self._drop(name, "its entry in ourvidz.yaml is another one")
        self._make_room()

    def get(self, name: str, entry: ModelEntry) -> Model[Any]:
        """Return a model, loading it if it is not in memory. Raises what ``load`` raises."""
        resident = self._held.pop(name, None)
        if resident is None:
            self._make_room(for_model=name)
            resident = _Resident(entry, self._loaded(name, entry))
        self._held[name] = resident
        return resident.model

    def free_memory(self, name: str) -> None:
        """Make what room there is for a model of this name, after the GPU had none left."""
        for other in [held for held in self._held if held != name]:
            self._drop(other, f"{name} is needed, and the GPU is out of memory")
        gc.collect()
        resident = self._held.get(name)
        if resident is not None and isinstance(resident.model, FreesMemory):
            resident.model.free_memory()

    def abandon(self) -> None:
        """Forget all models without giving anything back: their device cannot be used any more."""
        self._held.clear()

    def unload(self) -> None:
        """Give all memory back."""
        for name in list(self._held):
            self._unload(name)

    def _make_room(self, for_model: str | None = None) -> None:
        """Unload models, the one that was not used for longest first, until the rest have room.

        And room for one that is to be loaded: before it is, so that the sum is never exceeded.
        """
        while self._held:
            models = [*self._held, for_model] if for_model else list(self._held)
            why = self._lacks_room(models)
            if why is None:
                return
            self._drop(models[0], f"{for_model} is needed: {why}" if for_model else why)

    def _lacks_room(self, models: Sequence[str]) -> str | None:
        """Why these models cannot be in memory together; None if they can."""
        if self._room is None:
            return "one model is kept at a time where no vram is declared" if len(models) > 1 else None
        if self._room.taken_with(models) <= self._room.total:
            return None
        return f"{self._room.sum_of(models)}, and the worker has {written(self._room.total)}"

    def _loaded(self, name: str, entry: ModelEntry) -> Model[Any]:
        self._observer.model_loading(name)
        start = time.monotonic()
        model = self._load(
            self._family,
            LoadContext(
                model=entry,
                device=self._device,
                precision=entry.precision,
                root=self._project.root,
                shared=self._shared,
            ),
        )
        self._observer.model_loaded(name, time.monotonic() - start)
        self._tell("model_loaded", name)
        return model

    def _drop(self, name: str, why: str) -> None:
        self._unload(name)
        self._observer.model_unloaded(name, why)

    def _unload(self, name: str) -> None:
        self._held.pop(name).model.unload()
        self._tell("model_unloaded", name)

    def _tell(self, kind: WorkerEventKind, name: str) -> None:
        self._project.plugins.worker_event(WorkerEvent(kind=kind, worker=self._worker, detail=name))
