"""The table of every error that has a stable code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import ourvidz
from ourvidz.errors import NotReady, OurvidzError

from .tables import code, table

_HAS_CODE = re.compile(r"^    code(: ClassVar\[str\])? = ", re.MULTILINE)


def parts() -> dict[str, str]:
    for module in _modules_with_errors():
        import_module(module)
    errors = sorted(set(_below(OurvidzError)), key=lambda one: one.code)
    rows = [(code(one.code), _meaning(one), _retry(one), str(one.exit_status)) for one in errors]
    return {"errors": table(("code", "meaning", "can a retry help?", "exit status"), rows)}


def _modules_with_errors() -> Iterator[str]:
    """The modules that define an error. Importing all others as well would import torch."""
    package = Path(ourvidz.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if _HAS_CODE.search(path.read_text(encoding="utf-8")):
            yield ".".join(path.relative_to(package.parent).with_suffix("").parts)


def _below(error: type[OurvidzError]) -> Iterator[type[OurvidzError]]:
    for one in error.__subclasses__():
        if one.__module__.startswith("ourvidz."):
            yield one
        yield from _below(one)


def _meaning(error: type[OurvidzError]) -> str:
    """The first paragraph of its docstring, without marks of cross-references."""
    text = (getdoc(error) or "").partition("\n\n")[0]
    return re.sub(r":\w+:`(?:.*\.)?(\w+)`|``(.+?)``", lambda found: code(found[1] or found[2]), text)


def _retry(error: type[OurvidzError]) -> str:
    if error.retryable:
        return "yes"
    return "once that is mended" if issubclass(error, NotReady) else "no"
