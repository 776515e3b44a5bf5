"""How plugins offer queues, storages and callbacks: a URL scheme and a function that opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ourvidz.spec.catalog import Catalog

B = TypeVar("B", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """What a backend may know when it is opened."""

    url: str
    root: Path
    """The folder that relative paths in URLs start from."""
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend(Generic[B]):
    """One kind of queue, storage or callback."""

    scheme: str
    """What stands before the URL's first colon."""
    open: Callable[[BackendContext], B]
    embedded: bool = False
    """Whether nobody but this machine's user sees what is put there; see ``review.outputs``."""
