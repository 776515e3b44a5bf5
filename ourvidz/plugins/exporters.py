"""What an exporter is: a pure function from the catalog to the text of one generated file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ourvidz.spec.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One kind of generated file. ``ourvidz export-{name}`` writes it."""

    name: str
    description: str
    path: str
    """Where the file is committed, relative to the project's folder."""
    formats: Mapping[str, Callable[[Catalog], str]]
    """Renderers by format; the first is the default. The same catalog gives the same bytes."""
