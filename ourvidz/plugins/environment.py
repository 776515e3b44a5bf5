"""Whether a worker runs in the environment that ``ourvidz.yaml`` locks. Nothing of it is imported."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from ourvidz.errors import NotReady
from ourvidz.plugins.installed_torch import find_torch
from ourvidz.spec.settings import EnvironmentEntry, Settings


class EnvironmentDiffers(NotReady):
    """Python, CUDA or a library is of another version than ``environment`` in ``ourvidz.yaml`` locks."""

    code = "environment_differs"


def differences(locked: EnvironmentEntry) -> list[str]:
    """What this environment has in place of what is locked, in words: ``torch: found …, expected …``."""
    found = []
    python = platform.python_version()
    if locked.python is not None and not f"{python}.".startswith(f"{locked.python}."):
        found.append(f"python: found {python}, expected {locked.python}")
    if locked.cuda is not None:
        torch = find_torch()
        built = "no torch" if torch is None else torch.cuda or "a torch that was built without it"
        if built != locked.cuda:
            found.append(f"cuda: found {built}, expected {locked.cuda}")
    for name, expected in locked.libraries.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            found.append(f"{name}: found none, expected {expected}")
            continue
        if Version(installed) != Version(expected):
            found.append(f"{name}: found {installed}, expected {expected}")
    return found


def require_environment(settings: Settings, worker: str) -> None:
    """Compare this environment with what is locked for a plugin's worker. Raises EnvironmentDiffers."""
    locked = settings.environment_of(worker)
    found = differences(locked) if locked else []
    if found:
        raise EnvironmentDiffers(
            f"{worker} does not start in this environment: {'; '.join(found)}. Install these versions, or "
            "change environment in ourvidz.yaml"
        )
