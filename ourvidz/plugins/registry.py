"""Registered plugins, asked one by one in the order of their names, so that an error names its plugin."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import pluggy

from ourvidz.errors import NotReady
from ourvidz.plugins import hookspecs, offers
from ourvidz.plugins.discovery import FoundPlugin, LoadedPlugin, PluginInvalid, import_plugin
from ourvidz.spec.identifiers import nearest

log = logging.getLogger(__name__)

T = TypeVar("T")

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("ourvidz_"))


class Registry:
    """Plugins whose hooks are all known, with what they answer."""

    def __init__(self, found: Iterable[FoundPlugin]) -> None:
        """Import and register plugins. Raises PluginInvalid for the first that cannot be used."""
        self._manager = pluggy.PluginManager("ourvidz")
        self._manager.add_hookspecs(hookspecs)
        by_name: dict[str, FoundPlugin] = {}
        for one in found:
            if one.name in by_name:
                raise PluginInvalid(f"{one} has the name of {by_name[one.name]}; rename one of them")
            by_name[one.name] = one
        self.plugins: Mapping[str, LoadedPlugin] = {
            name: self._register(import_plugin(by_name[name])) for name in sorted(by_name)
        }
        self._implementations = {hook: self._by_plugin(hook) for hook in HOOKS}

    def implementers(self, hook: str) -> list[LoadedPlugin]:
        """The plugins that have a hook."""
        return [plugin for plugin, _ in self._implementations[hook]]

    def ask(
        self, hook: str, read: Callable[[Any], T], **arguments: object
    ) -> Iterator[tuple[LoadedPlugin, T]]:
        """Call a hook of one plugin after another, and ``read`` each thing that they return.

        Raises what :func:`answers` does.
        """
        for plugin, impl in self._implementations[hook]:
            given = [arguments[name] for name in impl.argnames]
            for one in answers(plugin, hook, partial(impl.function, *given), read):
                yield plugin, one

    def collect(
        self, hook: str, kind: str, name_of: Callable[[Any], str], **arguments: object
    ) -> dict[str, tuple[LoadedPlugin, Any]]:
        """What plugins return for a hook, and who, by name. Raises PluginInvalid for a name taken twice."""
        collected: dict[str, tuple[LoadedPlugin, Any]] = {}
        for plugin, (name, one) in self.ask(hook, lambda one: (name_of(one), one), **arguments):
            if name in collected:
                other = collected[name][0]
                raise PluginInvalid(f"{plugin}: the {kind} {name!r} is already that of {other}; rename one")
            collected[name] = plugin, one
        return collected

    def tell(self, hook: str, event: object) -> None:
        """Call an observer's hook; one that raises is logged, and the others still learn of it."""
        for plugin, impl in self._implementations[hook]:
            try:
                impl.function(*(event for _ in impl.argnames))
            except Exception:
                log.exception("%s: %s raised; the worker goes on", plugin, hook)

    def _register(self, plugin: LoadedPlugin) -> LoadedPlugin:
        for name, function in vars(plugin.module).items():
            if name.startswith("ourvidz_") and _is_unmarked(function):
                raise PluginInvalid(f"{plugin}: {name} is not marked as a hook; put @hookimpl above it")
        try:
            self._manager.register(plugin.module, plugin.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginInvalid(f"{plugin}: {self._misspelled(plugin) or error}") from None
        except ValueError:
            raise PluginInvalid(f"{plugin}: its module is loaded under another name already") from None
        callers = self._manager.get_hookcallers(plugin.module)
        if not callers:
            raise PluginInvalid(
                f"{plugin} has no hook; mark a function with @hookimpl, "
                "or begin the file's name with _ if it is no plugin"
            )
        for caller in callers:
            if any(i.wrapper or i.hookwrapper or i.tryfirst or i.trylast for i in caller.get_hookimpls()):
                raise PluginInvalid(
                    f"{plugin}: {caller.name} cannot be a wrapper, nor first or last; "
                    "hooks are called in the order of the plugins' names"
                )
        return plugin

    def _misspelled(self, plugin: LoadedPlugin) -> str | None:
        for caller in self._manager.get_hookcallers(plugin.module) or ():
            if not caller.has_spec():
                meant = nearest(caller.name, HOOKS)
                hint = f"did you mean {meant}?" if meant else f"known: {', '.join(HOOKS)}"
                return f"there is no hook {caller.name!r}; {hint}"
        return None

    def _by_plugin(self, hook: str) -> list[tuple[LoadedPlugin, pluggy.HookImpl]]:
        # pluggy has the newest first.
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        implementations = sorted(caller.get_hookimpls(), key=lambda impl: impl.plugin_name)
        return [(self.plugins[impl.plugin_name], impl) for impl in implementations]


def answers(
    plugin: LoadedPlugin, name: str, function: Callable[[], object], read: Callable[[Any], T]
) -> list[T]:
    """Call a function of a plugin, which messages call ``name``, and ``read`` each thing that it returns.

    Raises PluginInvalid if it raises or returns what ``read`` refuses with OfferInvalid. A NotReady
    passes: it is the plugin's own word to whoever runs this machine.
    """
    try:
        return [read(one) for one in offers.as_list(function())]
    except offers.OfferInvalid as error:
        raise PluginInvalid(f"{plugin}: {name} {error}") from None
    except NotReady:
        raise
    except Exception as error:
        raise PluginInvalid(f"{plugin}: {name} raised {type(error).__name__}: {error}") from error


def _is_unmarked(value: object) -> bool:
    return (
        inspect.isfunction(value)
        and not hasattr(value, "ourvidz_impl")
        and not hasattr(value, "ourvidz_spec")
    )
