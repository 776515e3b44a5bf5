"""Locations in ``ourvidz.yaml`` as paths, of this machine or inside an installed Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ourvidz.plugins.family import ModelMissing

#: ``package:NAME/PATH``
_IN_PACKAGE = "package:"


def path_of(location: str, root: Path) -> Path:
    """Where a location would be as a path, whether or not there is something.

    ``package:NAME/PATH`` is PATH in the folder of the installed package NAME, none of whose code is run;
    anything else is a path that may be relative to ``root``. Raises ModelMissing if there is no such package.
    """
    if not location.startswith(_IN_PACKAGE):
        return root / Path(location).expanduser()
    name, _, inner = location.removeprefix(_IN_PACKAGE).partition("/")
    # Of a package within a package, Python would run the outer one to find it.
    folders = _folders(name) if name.isidentifier() else []
    if not folders:
        raise ModelMissing(
            f"{location}: found no installed Python package {name!r}; install it where ourvidz is installed, "
            "or name another one, a folder or a hub id in ourvidz.yaml (models:)"
        )
    paths = [folder / inner for folder in folders]
    return next((path for path in paths if path.exists()), paths[0])


def _folders(name: str) -> list[Path]:
    """Where a package lies; several places if it is a namespace."""
    try:
        spec = find_spec(name)
    except ValueError:
        # What is running as a script has no place to look at.
        return []
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
