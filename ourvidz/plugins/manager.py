"""The plugin manager: loads plugins, and asks them through typed methods."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ourvidz.plugins import offers
from ourvidz.plugins.discovery import (
    FoundPlugin,
    LoadedPlugin,
    PluginInvalid,
    installed_plugins,
    plugins_in,
)
from ourvidz.plugins.family_rules import PluginRules
from ourvidz.plugins.registry import Registry

if TYPE_CHECKING:
    import click

    from ourvidz.jobs.callback import Callback
    from ourvidz.jobs.events import JobEvent
    from ourvidz.jobs.queue import Queue
    from ourvidz.jobs.storage import Storage
    from ourvidz.plugins.backends import Backend
    from ourvidz.plugins.exporters import Exporter
    from ourvidz.plugins.family import ModelFamily
    from ourvidz.plugins.reviewers import OutputReviewer, RequestReviewer
    from ourvidz.plugins.worker_events import WorkerEvent
    from ourvidz.spec.families import FamilyRules
    from ourvidz.spec.job_type import JobType
    from ourvidz.spec.problems import Finding
    from ourvidz.spec.settings import Settings

#: The kind of offer that a model family is.
FAMILY = "model family"

#: What a plugin does that has no name of its own, by hook.
ROLES = {
    "ourvidz_request_reviewers": "reviews requests",
    "ourvidz_output_reviewers": "reviews outputs",
    "ourvidz_check_job_type": "checks job types",
    "ourvidz_worker_event": "observes workers",
    "ourvidz_job_event": "observes jobs",
}


class Offer(NamedTuple):
    """One thing that a plugin adds; ``name`` is empty for what has none."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


class Plugins:
    """Loaded plugins, and everything that they offer. What has been made is sound and does not change."""

    def __init__(self, found: Iterable[FoundPlugin], *, root: Path) -> None:
        """Import and register plugins; ``root`` is the project's folder, which reviewers are told.

        Raises PluginInvalid for the first thing that is wrong with any of them.
        """
        self._root = root
        self._registry = Registry(found)
        self._offers: dict[str, list[Offer]] = {name: [] for name in self._registry.plugins}
        self._families = self._collect("ourvidz_model_families", FAMILY, offers.family_name)
        self._queues = self._collect("ourvidz_queues", "queue scheme", offers.scheme)
        self._storages = self._collect("ourvidz_storages", "storage scheme", offers.scheme)
        self._callbacks = self._collect("ourvidz_callbacks", "callback scheme", offers.scheme)
        self._exporters = self._collect("ourvidz_exporters", "exporter", offers.exporter_name)
        self._commands = self._collect("ourvidz_commands", "command", offers.command_name)

    @classmethod
    def load(cls, *, root: Path, folders: Iterable[Path] = ()) -> Plugins:
        """Load the built-in and installed plugins, and those of the named folders, each folder once.

        Relative folders start from ``root``. Raises PluginInvalid.
        """
        places = {(root / folder).resolve(): root / folder for folder in folders}
        dropped_in = (plugins_in(folder, root) for folder in places.values())
        return cls(chain(installed_plugins(), chain.from_iterable(dropped_in)), root=root)

    @property
    def loaded(self) -> Sequence[LoadedPlugin]:
        """Every plugin, by name."""
        return tuple(self._registry.plugins.values())

    def offers(self, plugin: LoadedPlugin) -> Sequence[Offer]:
        """What a plugin is good for: ``model family sdxl``, ``queue scheme sqlite``, ``reviews requests``."""
        roles = [Offer(role) for hook, role in ROLES.items() if plugin in self._registry.implementers(hook)]
        return (*self._offers[plugin.name], *roles)

    def families(self) -> Mapping[str, ModelFamily[Any]]:
        """Model families by name."""
        return self._families

    def family_rules(self) -> Mapping[str, FamilyRules]:
        """What model families say about specs, by name. Their ``check`` raises PluginInvalid."""
        return {
            offer.name: PluginRules(plugin, self._families[offer.name])
            for plugin in self.loaded
            for offer in self._offers[plugin.name]
            if offer.kind == FAMILY
        }

    def queues(self) -> Mapping[str, Backend[Queue]]:
        """Queue backends by URL scheme."""
        return self._queues

    def storages(self) -> Mapping[str, Backend[Storage]]:
        """Storage backends by URL scheme."""
        return self._storages

    def callbacks(self) -> Mapping[str, Backend[Callback]]:
        """Callback backends by URL scheme."""
        return self._callbacks

    def exporters(self) -> Mapping[str, Exporter]:
        """Exporters by name."""
        return self._exporters

    def commands(self, *, reserved: Collection[str]) -> Mapping[str, click.Command]:
        """Commands by name. Raises PluginInvalid for one of a ``reserved`` name."""
        for plugin in self.loaded:
            for name in reserved:
                if Offer("command", name) in self._offers[plugin.name]:
                    raise PluginInvalid(f"{plugin}: the command {name!r} is one of ourvidz's own; rename it")
        return self._commands

    def request_reviewers(self, settings: Settings) -> Sequence[RequestReviewer]:
        """New request reviewers. Raises PluginInvalid, and NotReady for what a reviewer lacks."""
        name_of = offers.reviewer_name("review_request")
        return self._reviewers("ourvidz_request_reviewers", name_of, settings)

    def output_reviewers(self, settings: Settings) -> Sequence[OutputReviewer]:
        """New output reviewers. Raises PluginInvalid, and NotReady for what a reviewer lacks."""
        name_of = offers.reviewer_name("review_output")
        return self._reviewers("ourvidz_output_reviewers", name_of, settings)

    def check_job_type(self, job_type: JobType) -> Sequence[Finding]:
        """What plugins have against a job type, whatever its family. Raises PluginInvalid."""
        answers = self._registry.ask("ourvidz_check_job_type", offers.finding, job_type=job_type)
        return [finding for _, finding in answers]

    def worker_event(self, event: WorkerEvent) -> None:
        """Tell plugins about a worker; one that raises is logged and changes nothing."""
        self._registry.tell("ourvidz_worker_event", event)

    def job_event(self, event: JobEvent) -> None:
        """Tell plugins about a job; one that raises is logged and changes nothing."""
        self._registry.tell("ourvidz_job_event", event)

    def _collect(self, hook: str, kind: str, name_of: Callable[[Any], str]) -> Mapping[str, Any]:
        collected = self._registry.collect(hook, kind, name_of)
        for name, (plugin, _) in collected.items():
            self._offers[plugin.name].append(Offer(kind, name))
        return MappingProxyType({name: one for name, (_, one) in sorted(collected.items())})

    def _reviewers(self, hook: str, name_of: Callable[[Any], str], settings: Settings) -> list[Any]:
        # Not kept: a reviewer may hold what belongs to one worker.
        collected = self._registry.collect(hook, "reviewer", name_of, settings=settings, root=self._root)
        return [one for _, one in collected.values()]
