"""What a plugin's model family says about specs, so that an answer that is none names the plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ourvidz.plugins import offers
from ourvidz.plugins.discovery import LoadedPlugin
from ourvidz.plugins.family import ModelFamily
from ourvidz.plugins.registry import answers
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry


@dataclass(frozen=True, slots=True)
class PluginRules:
    """The :class:`~ourvidz.spec.families.FamilyRules` of a plugin's family."""

    plugin: LoadedPlugin
    family: ModelFamily[Any]

    @property
    def name(self) -> str:
        return self.family.name

    @property
    def default_model(self) -> ModelEntry:
        return self.family.default_model

    def check(self, job_type: JobType, model: ModelEntry) -> Sequence[Finding]:
        """What the family cannot do. Raises PluginInvalid if it raises or gives no findings."""
        check = partial(self.family.check, job_type, model)
        return answers(self.plugin, f"check of the family {self.name!r}", check, offers.finding)
