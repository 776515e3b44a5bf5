"""Looks at one thing after another: what is wrong with one does not keep the others from being seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ourvidz.deploy.doctor.backends import look_at_callback, look_at_queue, look_at_storage
from ourvidz.deploy.doctor.functions import look_at_functions
from ourvidz.deploy.doctor.gpus import look_at_gpus
from ourvidz.deploy.doctor.machine import (
    folders_of,
    look_at_disks,
    look_at_python,
    look_at_torch,
)
from ourvidz.deploy.doctor.models import (
    ShowReading,
    look_at_models,
    look_at_requirements,
    working_families,
)
from ourvidz.errors import OurvidzError
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.plugins.installed_torch import find_torch
from ourvidz.project import Project

#: What cannot be looked at without a project.
_OF_A_PROJECT = ("requirements", "models", "queue", "storage", "callback", "functions")


def examine(
    open_project: Callable[[], Project],
    *,
    families: Sequence[str] = (),
    functions: Path | None = None,
    reading: ShowReading,
) -> Iterator[Diagnosis]:
    """Look at everything, in the order in which one thing needs another.

    ``open_project`` may raise what :meth:`ourvidz.project.Project.open` raises. ``families`` are those that
    work on this machine; none named: all that job types are made by. Raises FamilyUnknown.
    """
    torch = find_torch()
    yield from look_at_python()
    yield from look_at_torch(torch)
    try:
        project = open_project()
    except OurvidzError as error:
        yield from look_at_gpus(torch, {})
        yield from look_at_disks(folders_of(Path.cwd()))
        yield from _without_project(error)
        return
    working = [project.family(name).name for name in families] or working_families(project)
    workers = {name: one for name, one in project.settings.workers.items() if name in working}
    yield from look_at_gpus(torch, workers)
    yield from look_at_disks(folders_of(project.root))
    count = len(project.catalog.job_types)
    yield Diagnosis(check="job types", health="ok", found=f"{count} in {project.job_types_folder.path}")
    yield from look_at_requirements(project, working)
    yield from look_at_models(project, working, reading)
    yield from look_at_queue(project)
    yield from look_at_storage(project)
    yield from look_at_callback(project)
    yield from look_at_functions(project, functions)


def _without_project(error: OurvidzError) -> Iterator[Diagnosis]:
    yield Diagnosis(
        check="job types",
        health="failed",
        found=f"{error} [{error.code}]",
        remedy="mend them; `ourvidz validate` shows every problem",
    )
    for check in _OF_A_PROJECT:
        yield Diagnosis(check=check, health="skipped", found="needs valid job types and settings")
