"""Parts of models that several models in memory use together, each held once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class SharedParts:
    """Parts by what they are made of. A part lives as long as a model that uses it."""

    def __init__(self) -> None:
        self._parts: WeakValueDictionary[Hashable, object] = WeakValueDictionary()

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return the part of this key, loading it if no model has it.

        The key must say everything that the part depends on: class, digests of its files, number
        format, device. A part must be weakly referable, as torch modules are.
        """
        part: T | None = self._parts.get(key)  # type: ignore[assignment]
        if part is None:
            part = load()
            self._parts[key] = part
        return part
