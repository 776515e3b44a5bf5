"""A project: the settings, plugins and catalog of one folder, put together once and handed on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ourvidz.errors import NotFound
from ourvidz.plugins.family import ModelFamily
from ourvidz.plugins.manager import Plugins
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.checks import build_catalog
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import Sources, read_settings, read_sources
from ourvidz.spec.lookup import Found, find_job_types, find_settings
from ourvidz.spec.problems import SpecInvalid
from ourvidz.spec.settings import Settings


class FamilyUnknown(NotFound):
    """No plugin offers a model family of this name."""

    code = "family_unknown"


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything that is known before anything runs. Immutable; :meth:`reread` gives a newer one."""

    root: Path
    """The folder of ``ourvidz.yaml``, or the current one: relative paths in settings start here."""
    job_types_folder: Found
    settings_path: Path | None
    plugin_dirs: tuple[Path, ...]
    plugins: Plugins
    sources: Sources
    catalog: Catalog

    @classmethod
    def open(
        cls,
        *,
        jobtypes: Path | str | None = None,
        config: Path | str | None = None,
        plugin_dirs: Iterable[Path | str] = (),
    ) -> Project:
        """Find and load settings, plugins and job types; what is not named is looked up.

        Raises SpecInvalid with every problem of every file, PluginInvalid, NotFound.
        """
        folder = find_job_types(Path(jobtypes) if jobtypes else None, os.environ)
        settings_path = find_settings_path(Path(config) if config else None)
        dirs = tuple(Path(one).resolve() for one in plugin_dirs)
        sources = read_sources(folder.path, settings_path)
        if sources.settings_file.problems:
            # Without settings nobody knows which plugins there are, so this is all that can be said.
            raise SpecInvalid(list(sources.problems))
        plugins = _load_plugins(sources.settings, settings_path, dirs)
        return cls(
            root=project_root(settings_path),
            job_types_folder=folder,
            settings_path=settings_path,
            plugin_dirs=dirs,
            plugins=plugins,
            sources=sources,
            catalog=_catalog(sources, plugins),
        )

    @property
    def settings(self) -> Settings:
        return self.catalog.settings

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments with which another process opens the same project, as JSON has them."""
        return {
            "jobtypes": str(self.job_types_folder.path.resolve()),
            "config": None if self.settings_path is None else str(self.settings_path.resolve()),
            "plugin_dirs": [str(one) for one in self.plugin_dirs],
        }

    def reread(self) -> Project:
        """Read changed files again; this very object if nothing has changed.

        Job types are read anew. Settings are too, except what a running process has already used:
        plugins and backends stay. Raises SpecInvalid, and PluginInvalid where a plugin's check fails.
        """
        sources = read_sources(self.job_types_folder.path, self.settings_path, self.sources)
        if sources is self.sources:
            return self
        catalog = _catalog(sources, self.plugins)
        return replace(self, sources=sources, catalog=catalog)

    def family(self, name: str) -> ModelFamily[Any]:
        """Return a model family; case does not matter. Raises FamilyUnknown."""
        families = self.plugins.families()
        family = families.get(name.lower())
        if family is None:
            meant = nearest(name.lower(), families)
            hint = f"did you mean {meant}?" if meant else f"known: {', '.join(families)}"
            raise FamilyUnknown(f"no plugin offers a model family {name!r}; {hint}")
        return family

    def job_type_of(self, family: ModelFamily[Any], id: str) -> JobType:
        """Return a job type that this family makes. Raises UnknownJobType, FamilyUnknown."""
        job_type = self.catalog[id]
        if job_type.family != family.name:
            raise FamilyUnknown(f"{id} is made by {job_type.family}, not by {family.name}")
        return job_type


def _catalog(sources: Sources, plugins: Plugins) -> Catalog:
    schemes = {"queue": plugins.queues(), "storage": plugins.storages(), "callback": plugins.callbacks()}
    return build_catalog(sources, plugins.family_rules(), (plugins.check_job_type,), schemes)


def find_settings_path(named: Path | None) -> Path | None:
    """Where the settings are: named, in OURVIDZ_CONFIG, or ``./ourvidz.yaml``; None if nowhere."""
    found = find_settings(named, os.environ)
    return found.path if found else None


def project_root(settings_path: Path | None) -> Path:
    """The folder of the settings file, or the current one."""
    return (settings_path.parent if settings_path else Path()).resolve()


def load_plugins(settings_path: Path | None, plugin_dirs: Iterable[Path]) -> Plugins:
    """Load the plugins that a place has. Raises SpecInvalid for broken settings, PluginInvalid."""
    settings_file = read_settings(settings_path)
    if settings_file.problems:
        raise SpecInvalid(settings_file.problems)
    return _load_plugins(settings_file.settings, settings_path, (one.resolve() for one in plugin_dirs))


def _load_plugins(settings: Settings, settings_path: Path | None, dirs: Iterable[Path]) -> Plugins:
    return Plugins.load(root=project_root(settings_path), folders=(*map(Path, settings.plugins), *dirs))
