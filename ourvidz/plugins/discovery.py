"""Where plugins come from: entry points of installed packages, and files in folders that somebody named."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from ourvidz.errors import NotReady

#: The entry point group of plugins, and the distribution whose plugins are built in.
GROUP = "ourvidz"

BUILT_IN = "built in"


class PluginInvalid(NotReady):
    """A plugin that cannot be used as it is; the message names the plugin and where it came from."""

    code = "plugin_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlugin:
    """A plugin that is there, whether or not its code has run."""

    name: str
    origin: str
    """``built in``, a distribution with its version, or a path."""
    source: EntryPoint | Path

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.origin})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin(FoundPlugin):
    """A plugin whose module has been imported."""

    module: ModuleType


def installed_plugins() -> Iterator[FoundPlugin]:
    """Every entry point of the group ``ourvidz``. Raises PluginInvalid if ourvidz itself has none."""
    built_in = False
    origins: dict[int, str] = {}
    for point in entry_points(group=GROUP):
        # Reading a distribution's name parses its metadata, so it is asked once for each.
        key = id(point.dist)
        if key not in origins:
            origins[key] = _origin(point)
        built_in = built_in or origins[key] == BUILT_IN
        yield FoundPlugin(name=point.name, origin=origins[key], source=point)
    if not built_in:
        raise PluginInvalid(
            "ourvidz's own plugins are not registered, the request reviewer among them, because its "
            "package is not installed here; run: pip install -e . in the repository, or pip install ourvidz"
        )


def plugins_in(folder: Path, root: Path) -> Iterator[FoundPlugin]:
    """The files ``*.py`` and the packages of a folder, without those whose name begins with _ or a dot.

    Raises PluginInvalid if there is no such folder, or if it is a plugin itself.
    """
    if not folder.is_dir():
        raise PluginInvalid(f"the plugin folder {folder} does not exist; create it, or name another one")
    if (folder / "__init__.py").exists():
        raise PluginInvalid(
            f"the plugin folder {folder} is itself a plugin (it has an __init__.py); "
            f"name the folder that holds it: {folder.parent}"
        )
    for path in sorted(folder.iterdir()):
        is_plugin = path.suffix == ".py" if path.is_file() else (path / "__init__.py").is_file()
        if is_plugin and not path.name.startswith(("_", ".")):
            yield FoundPlugin(name=path.stem, origin=_display(path, root), source=path)


def import_plugin(found: FoundPlugin) -> LoadedPlugin:
    """Run a plugin's code, once in a process. Raises PluginInvalid with the cause, whatever it is."""
    try:
        if isinstance(found.source, Path):
            module = _import_file(found.name, found.source)
        else:
            module = found.source.load()
    except (Exception, SystemExit) as error:
        raise PluginInvalid(f"{found} cannot be imported: {_cause(error, found)}") from error
    if not isinstance(module, ModuleType):
        raise PluginInvalid(f"{found}: its entry point names an object; expected a module, without a colon")
    return LoadedPlugin(name=found.name, origin=found.origin, source=found.source, module=module)


def _import_file(name: str, path: Path) -> ModuleType:
    # The path is part of the module's name, so that equal names in two folders stay two modules.
    place = hashlib.sha256(bytes(path.resolve())).hexdigest()[:12]
    full_name = f"ourvidz_plugin_{place}_{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    file = path / "__init__.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location(full_name, file)
    assert spec is not None, "a name that ends in .py always has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full_name]
        raise
    return module


def _origin(point: EntryPoint) -> str:
    if point.dist is None:
        return "an unknown distribution"
    name = point.dist.name
    return BUILT_IN if name == "ourvidz" else f"{name} {point.dist.version}"


def _display(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _cause(error: BaseException, found: FoundPlugin) -> str:
    """The error in one line, with the last line of the plugin's own code that led to it."""
    if isinstance(error, SyntaxError):
        return f"{error.msg}, {error.filename}, line {error.lineno}"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(found.source, Path):
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).is_relative_to(found.source)]
        if own:
            text += f", {own[-1].filename}, line {own[-1].lineno}"
    return text
