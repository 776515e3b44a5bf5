"""What the hooks return, looked at before anybody relies on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ourvidz.plugins.backends import Backend
from ourvidz.plugins.exporters import Exporter
from ourvidz.plugins.family import GenerationParameters
from ourvidz.spec.identifiers import check_identifier
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry

T = TypeVar("T")

#: RFC 3986, in lower case.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_COMMAND = re.compile(r"[a-z][a-z0-9-]*")


class OfferInvalid(Exception):
    """Something that is not what its hook promises; the message goes on after the hook's name."""


def as_list(value: object) -> list[Any]:
    """The things that a hook returned. Raises OfferInvalid for what is no collection of things."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise OfferInvalid(f"returned {_kind(value)}, expected a list")
    return list(value)


def family_name(family: Any) -> str:
    """The name of a model family. Raises OfferInvalid if it does not keep the model contract."""
    name = _identifier(_attribute(family, "name"))
    expectations: dict[str, tuple[Callable[[Any], bool], str]] = {
        "description": (lambda value: isinstance(value, str), "a text"),
        "default_model": (lambda value: isinstance(value, ModelEntry), "a ModelEntry"),
        "parameters": (
            lambda value: isinstance(value, type) and issubclass(value, GenerationParameters),
            "a subclass of GenerationParameters",
        ),
        "requirements": (
            lambda value: isinstance(value, list | tuple) and all(isinstance(one, str) for one in value),
            "a list of PEP 508 requirements",
        ),
        "check": (callable, "a method"),
        "reduce": (callable, "a method"),
        "load": (callable, "a method"),
    }
    for attribute, (holds, expected) in expectations.items():
        value = _attribute(family, attribute)
        if not holds(value):
            found = f"offers the family {name!r} with {_kind(value)} as its {attribute}"
            raise OfferInvalid(f"{found}, expected {expected}")
    if family.parameters.model_config.get("extra") != "forbid":
        raise OfferInvalid(
            f"offers the family {name!r}, whose parameters ignore what they do not know; "
            "expected extra='forbid', as GenerationParameters has it"
        )
    return name


def scheme(backend: Any) -> str:
    """The URL scheme of a backend. Raises OfferInvalid."""
    _expect(backend, Backend)
    if not _SCHEME.fullmatch(backend.scheme):
        raise OfferInvalid(f"offers the scheme {backend.scheme!r}, expected a URL scheme in lower case")
    return str(backend.scheme)


def exporter_name(exporter: Any) -> str:
    """The name of an exporter. Raises OfferInvalid."""
    _expect(exporter, Exporter)
    if not _COMMAND.fullmatch(exporter.name):
        raise OfferInvalid(f"offers an exporter named {exporter.name!r}, expected a-z, 0-9 and -")
    if bool(exporter.formats) == (exporter.next_files is not None):
        found = "with formats and next_files" if exporter.formats else "without a format and next_files"
        raise OfferInvalid(f"offers the exporter {exporter.name!r} {found}, expected one of the two")
    return str(exporter.name)


def command_name(command: Any) -> str:
    """The name of a command. Raises OfferInvalid."""
    import click

    _expect(command, click.Command)
    if not _COMMAND.fullmatch(command.name or ""):
        raise OfferInvalid(f"offers a command named {command.name!r}, expected a-z, 0-9 and -")
    return str(command.name)


def reviewer_name(method: str) -> Callable[[Any], str]:
    """A function that gives the name of a reviewer which has ``method``, and raises OfferInvalid."""

    def name_of(reviewer: Any) -> str:
        name = _identifier(_attribute(reviewer, "name"))
        if not callable(_attribute(reviewer, method)):
            raise OfferInvalid(f"offers the reviewer {name!r}, whose {method} is no method")
        return name

    return name_of


def finding(value: Any) -> Finding:
    """Return a finding. Raises OfferInvalid for anything else, and for one that no message can tell of."""
    found = _expect(value, Finding)
    if not isinstance(found.field, tuple) or not all(isinstance(part, str | int) for part in found.field):
        raise OfferInvalid(
            f"offers a finding whose field is {found.field!r}, expected one such as ('steps',)"
        )
    for name in ("code", "found", "expected"):
        text = getattr(found, name)
        if not isinstance(text, str):
            raise OfferInvalid(f"offers a finding whose {name} is {text!r}, expected a text")
    return found


def _expect(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise OfferInvalid(f"offers {_kind(value)}, expected {_article(kind.__name__)}")
    return value


def _attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name)
    except AttributeError:
        raise OfferInvalid(f"offers {_kind(value)}, which has no {name}") from None


def _identifier(name: object) -> str:
    if not isinstance(name, str):
        raise OfferInvalid(f"offers something named by {_kind(name)}, expected a text")
    try:
        return check_identifier(name)
    except ValueError as error:
        raise OfferInvalid(f"offers something named {name!r}, {error}") from None


def _kind(value: object) -> str:
    return "None" if value is None else _article(type(value).__name__)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOaeio' else 'a'} {noun}"
