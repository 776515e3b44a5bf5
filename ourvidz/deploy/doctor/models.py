"""The environment, libraries and checkpoints of the families that work here. Nothing is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.plugins.checkpoints.checking import Inspection, check
from ourvidz.plugins.checkpoints.found import Progress
from ourvidz.plugins.environment import differences
from ourvidz.plugins.requirements import check_requirements, install_command
from ourvidz.project import Project

#: Shows how much of a model's files was read.
ShowReading = Callable[[str], AbstractContextManager[Progress]]


def working_families(project: Project) -> list[str]:
    """The families that job types of this project are made by."""
    return sorted({one.family for one in project.catalog.job_types.values() if one.status == "active"})


def look_at_requirements(project: Project, families: Collection[str]) -> Iterator[Diagnosis]:
    """Whether each family's libraries are installed, in versions that it runs on and that are locked."""
    for name in families:
        worker = project.settings.workers.get(name)
        if worker is not None and worker.python is not None and not _is_this(project, worker.python):
            yield Diagnosis(
                check=f"requirements {name}",
                health="skipped",
                found=f"its worker runs on {worker.python}",
                remedy=f"{worker.python} -m ourvidz doctor --plugin {name}",
            )
            continue
        family = project.family(name)
        yield from _environment(project, name)
        statuses = check_requirements(family.requirements)
        unmet = [
            f"{one.requirement} ({'not installed' if one.installed is None else f'found {one.installed}'})"
            for one in statuses
            if not one.met
        ]
        check = f"requirements {name}"
        if unmet:
            yield Diagnosis(
                check=check, health="failed", found="; ".join(unmet), remedy=install_command(family)
            )
        else:
            count = "none" if not statuses else f"all {len(statuses)} met"
            yield Diagnosis(check=check, health="ok", found=count)


def _is_this(project: Project, python: str) -> bool:
    """Whether a worker's interpreter is the one that runs this."""
    return (project.root / python).absolute() == Path(sys.executable)


def _environment(project: Project, family: str) -> Iterator[Diagnosis]:
    """What differs from the lock, if there is one."""
    locked = project.settings.environment_of(family)
    if locked is None:
        return
    found = differences(locked)
    check = f"environment {family}"
    if found:
        yield Diagnosis(
            check=check,
            health="failed",
            found="; ".join(found),
            remedy="install these versions, or change environment in ourvidz.yaml",
        )
    else:
        yield Diagnosis(check=check, health="ok", found="as ourvidz.yaml locks it")


def look_at_models(project: Project, families: Collection[str], reading: ShowReading) -> Iterator[Diagnosis]:
    """Whether the checkpoints that these families' job types name are there, whole, and the right ones."""
    catalog = project.catalog
    used = {catalog.model_name(one) for one in catalog.job_types.values() if one.status == "active"}
    for name, model in catalog.models.items():
        if name not in used or model.family not in families:
            continue
        with reading(name) as progress:
            seen = check(project.family(model.family), model, project.root, progress, trust_notes=True)
        yield _told(name, model.digest is not None, seen)


def _told(name: str, is_named: bool, seen: Inspection) -> Diagnosis:
    check = f"model {name}"
    if seen.problems:
        remedy = (
            "put it there, or name where it is under models: in ourvidz.yaml; what has a hub id, "
            "a worker fetches when it starts"
            if seen.is_missing
            else f"mend it as it says, or fetch it anew; then run: ourvidz models check {name}"
        )
        return Diagnosis(check=check, health="failed", found="; ".join(seen.problems), remedy=remedy)
    if seen.found is None:
        return Diagnosis(check=check, health="skipped", found="its family has nothing to check")
    found = f"{seen.found.kind}, complete"
    if is_named:
        found += ", the digest of ourvidz.yaml"
    return Diagnosis(check=check, health="ok", found=found)
