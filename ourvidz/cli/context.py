"""Where a command works: the options that every command takes, before or after its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ourvidz.plugins.manager import Plugins
    from ourvidz.project import Project

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was said about the place, not yet looked at."""

    jobtypes: Path | None = None
    config: Path | None = None
    plugin_dir: tuple[Path, ...] = ()

    def open(self) -> Project:
        """Load settings, plugins and catalog. Raises SpecInvalid, PluginInvalid."""
        from ourvidz.project import Project

        return Project.open(jobtypes=self.jobtypes, config=self.config, plugin_dirs=self.plugin_dir)

    def may_have_plugins(self) -> bool:
        """Whether there may be plugins beside the built-in ones; says no only if there is none."""
        from importlib.metadata import entry_points

        if self.plugin_dir or any(
            not one.value.startswith("ourvidz.") for one in entry_points(group="ourvidz")
        ):
            return True
        settings = self.config or Path(os.environ.get("OURVIDZ_CONFIG") or "ourvidz.yaml")
        return settings.is_file() and "plugins" in settings.read_text(errors="replace")

    def plugins(self) -> Plugins:
        """Load plugins alone, for the commands that they add. Raises SpecInvalid, PluginInvalid."""
        from ourvidz.project import find_settings_path, load_plugins

        return load_plugins(find_settings_path(self.config), self.plugin_dir)

    def arguments(self) -> list[str]:
        """The same place as arguments of another command."""
        named = [("--jobtypes", self.jobtypes), ("--config", self.config)]
        named += [("--plugin-dir", one) for one in self.plugin_dir]
        return [text for option, path in named if path is not None for text in (option, str(path))]

    def merged(self, later: Invocation) -> Invocation:
        """What stands after the command's name wins; plugin folders add up."""
        return Invocation(
            jobtypes=later.jobtypes or self.jobtypes,
            config=later.config or self.config,
            plugin_dir=self.plugin_dir + later.plugin_dir,
        )


def _options(*, is_eager: bool = False) -> list[click.Parameter]:
    folder = click.Path(file_okay=False, path_type=Path)
    return [
        click.Option(
            ["--jobtypes"], type=folder, metavar="DIR", is_eager=is_eager, help="Folder of the job types."
        ),
        click.Option(
            ["--config"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            is_eager=is_eager,
            help="The settings.",
        ),
        click.Option(
            ["--plugin-dir"],
            type=folder,
            multiple=True,
            metavar="DIR",
            is_eager=is_eager,
            help="Folder of further plugins.",
        ),
    ]


#: Eager, so that ``--help`` after them lists the commands of the plugins that they name.
ROOT_OPTIONS = _options(is_eager=True)


def place_options(function: F) -> F:
    """Give a command ``--jobtypes``, ``--config`` and ``--plugin-dir``, and an Invocation as ``place``."""

    @click.pass_context
    def wrapped(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        later = Invocation(**{name: kwargs.pop(name) for name in ("jobtypes", "config", "plugin_dir")})
        ctx.obj = ctx.ensure_object(Invocation).merged(later)  # a group's commands start from its place
        return ctx.invoke(function, *args, place=ctx.obj, **kwargs)

    params = [*reversed(_options()), *getattr(function, "__click_params__", [])]
    update_wrapper(wrapped, function)
    wrapped.__click_params__ = params  # type: ignore[attr-defined]  # click reads options from here, last first
    return wrapped  # type: ignore[return-value]  # same call signature, less the options
