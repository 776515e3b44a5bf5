"""Which libraries a model family needs and whether they are here, found out without importing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from ourvidz.plugins.discovery import PluginInvalid
from ourvidz.plugins.family import (
    DigestMismatch,
    InspectsCheckpoints,
    LoadContext,
    Model,
    ModelFamily,
    P,
    RequirementMissing,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementStatus:
    """One requirement, and what there is of it."""

    requirement: str
    installed: str | None
    """The installed version, or None if there is none."""
    met: bool


def check_requirements(requirements: Iterable[str]) -> list[RequirementStatus]:
    """Compare PEP 508 requirements with the installed distributions.

    One whose marker excludes this machine is left out. A pre-release counts as what it is. Raises
    PluginInvalid for a text that is no requirement.
    """
    statuses = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise PluginInvalid(f"{text!r} is not a requirement such as torch>=2.4: {error}") from None
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = None
        met = installed is not None and requirement.specifier.contains(installed, prereleases=True)
        statuses.append(RequirementStatus(requirement=text, installed=installed, met=met))
    return statuses


def require(family: ModelFamily[Any]) -> None:
    """Look for a family's libraries. Raises RequirementMissing with what to install."""
    unmet = [status for status in check_requirements(family.requirements) if not status.met]
    if unmet:
        found = "; ".join(
            f"{one.requirement} ({'not installed' if one.installed is None else f'found {one.installed}'})"
            for one in unmet
        )
        raise RequirementMissing(f"{family.name} needs {found}; run: {install_command(family)}")


def load_model(family: ModelFamily[P], context: LoadContext) -> Model[P]:
    """Load a checkpoint after looking for the family's libraries.

    Raises RequirementMissing with what to install, DigestMismatch if a digest is named that the family
    does not compare, and whatever the family's ``load`` raises.
    """
    require(family)
    if context.model.digest is not None and not isinstance(family, InspectsCheckpoints):
        raise DigestMismatch(
            f"{context.model.location}: {family.name} cannot tell a checkpoint's digest; leave digest out"
        )
    return family.load(context)


def install_command(family: ModelFamily[Any]) -> str:
    """What to type to get a family's libraries: ourvidz's extra of its name, or their list."""
    if family.name in (metadata("ourvidz").get_all("Provides-Extra") or ()):
        return f'pip install "ourvidz[{family.name}]"'
    return "pip install " + " ".join(f'"{one}"' for one in family.requirements)
