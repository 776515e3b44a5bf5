"""Queue, storage and callback: whether they can be reached and used as they are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Protocol

from ourvidz.errors import OurvidzError
from ourvidz.jobs.diagnosis import Diagnosable, Diagnosis
from ourvidz.project import Project
from ourvidz.runtime.backends import open_callback, open_queue, open_storage


class _Closable(Protocol):
    def close(self) -> None: ...


def look_at_queue(project: Project) -> Iterator[Diagnosis]:
    """Whether it answers, lets us in and keeps jobs. The scripts are run by asking how full it is."""
    try:
        with closing(open_queue(project)) as queue:
            if isinstance(queue, Diagnosable):
                yield from queue.diagnose(project.catalog)
            depths = queue.depths()
    except OurvidzError as error:
        yield _failed("queue", error, "start the server, or correct its address, user, password and rights")
        return
    waiting = sum(sum(depth.waiting.values()) for depth in depths)
    yield Diagnosis(check="queue", health="ok", found=f"answers; {waiting} jobs wait")


def look_at_storage(project: Project) -> Iterator[Diagnosis]:
    """Whether results can be stored, as far as that can be told without storing one."""
    return _look("storage", project, open_storage)


def look_at_callback(project: Project) -> Iterator[Diagnosis]:
    """Whether the receiver of outcomes can be reached. It is told nothing."""
    return _look("callback", project, open_callback)


def _look(check: str, project: Project, open: Callable[[Project], _Closable]) -> Iterator[Diagnosis]:
    try:
        with closing(open(project)) as backend:
            if isinstance(backend, Diagnosable):
                yield from backend.diagnose(project.catalog)
            else:
                yield Diagnosis(
                    check=check,
                    health="skipped",
                    found="it is configured; this kind tells no more before a job uses it",
                )
    except OurvidzError as error:
        yield _failed(check, error, "start what is to answer there, or correct its address and secrets")


def _failed(check: str, error: OurvidzError, remedy: str) -> Diagnosis:
    return Diagnosis(
        check=check,
        health="failed",
        found=f"{error} [{error.code}]",
        remedy=f"{remedy}: OURVIDZ_{check.upper()}_URL, else backends.{check} in ourvidz.yaml",
    )
