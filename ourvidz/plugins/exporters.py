"""What an exporter is: pure functions from the catalog to the texts of generated files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ourvidz.spec.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One kind of generated file, or a folder that files are added to. ``ourvidz export-{name}`` writes it.

    It has ``formats`` or ``next_files``, not both.
    """

    name: str
    description: str
    path: str
    """Where the file or folder is committed, relative to the project's folder."""
    formats: Mapping[str, Callable[[Catalog], str]] = field(default_factory=dict)
    """Renderers by format; the first is the default. The same catalog gives the same bytes."""
    next_files: Callable[[Catalog, Mapping[str, str]], Mapping[str, str]] | None = None
    """What a folder lacks, by name, beside the files that it has; these are never changed."""
