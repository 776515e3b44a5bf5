"""Notices changed job types while a worker runs. A broken change is reported and the old one kept."""

from __future__ import annotations

from dataclasses import dataclass

from ourvidz.errors import OurvidzError
from ourvidz.project import Project


@dataclass(frozen=True, slots=True)
class SpecsChanged:
    """The project to go on with, and what is wrong with the files if it is still the old one."""

    project: Project
    error: OurvidzError | None


class SpecWatch:
    """Looks at the files again; what is broken is told once, until the files change again."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._told = ""

    def look(self) -> SpecsChanged | None:
        """Read changed files; None if nothing has changed since the last look."""
        try:
            project = self._project.reread()
        except OurvidzError as error:
            if str(error) == self._told:
                return None
            self._told = str(error)
            return SpecsChanged(self._project, error)
        if project is self._project and not self._told:
            return None
        self._project, self._told = project, ""
        return SpecsChanged(project, None)
