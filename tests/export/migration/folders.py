"""Folders of migrations in memory."""

from __future__ import annotations

from ourvidz.export.migration.files import next_files
from ourvidz.spec.catalog import Catalog
from tests.export.catalogs import PHASE_1, PHASE_2, catalog

PLAN = catalog(*PHASE_1, *PHASE_2)


def folder(*catalogs: Catalog) -> dict[str, str]:
    """All files of a folder for which one catalog after the other was exported."""
    files: dict[str, str] = {}
    for one in catalogs:
        files |= next_files(one, files)
    return files
