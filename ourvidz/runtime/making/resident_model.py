"""The model in memory: loaded once, kept between jobs, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from ourvidz.plugins.family import LoadContext, Model, ModelFamily
from ourvidz.plugins.requirements import load_model
from ourvidz.plugins.worker_events import WorkerEvent, WorkerEventKind
from ourvidz.project import Project
from ourvidz.runtime.observer import Observer
from ourvidz.spec.settings import ModelEntry

Load: TypeAlias = Callable[[ModelFamily[Any], LoadContext], Model[Any]]


class ResidentModel:
    """Holds the model that was used last; another one takes its place, since both may not fit."""

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
        """``load`` brings a model into memory; a worker's reads its checkpoint."""
        self._project = project
        self._family = family
        self._device = device
        self._observer = observer
        self._worker = worker
        self._load = load
        self._name = ""
        self._entry: ModelEntry | None = None
        self._model: Model[Any] | None = None

    def get(self, name: str, entry: ModelEntry) -> Model[Any]:
        """Return a model, loading it if it is not the one in memory. Raises what ``load`` raises."""
        if self._model is not None and self._entry == entry:
            return self._model
        self.unload()
        self._observer.model_loading(name)
        start = time.monotonic()
        model = self._load(
            self._family,
            LoadContext(model=entry, device=self._device, precision=entry.precision, root=self._project.root),
        )
        self._name, self._entry, self._model = name, entry, model
        self._observer.model_loaded(name, time.monotonic() - start)
        self._tell("model_loaded")
        return model

    def unload(self) -> None:
        """Give the memory back, if a model is held."""
        model, self._model = self._model, None
        if model is not None:
            model.unload()
            self._tell("model_unloaded")

    def _tell(self, kind: WorkerEventKind) -> None:
        event = WorkerEvent(kind=kind, worker=self._worker, detail=self._name)
        self._project.plugins.worker_event(event)
