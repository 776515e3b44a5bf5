"""Migrations for Supabase's PostgreSQL: the next files of a folder that is only ever added to."""

from __future__ import annotations

from collections.abc import Mapping

from ourvidz.plugins.exporters import Exporter
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.spec.catalog import Catalog

#: Where Supabase's command line looks for them, in the project's folder.
FOLDER = "supabase/migrations"


def next_files(catalog: Catalog, existing: Mapping[str, str]) -> Mapping[str, str]:
    """See :func:`ourvidz.export.migration.files.next_files`."""
    # Here, since every command loads this module and few need the generator.
    from ourvidz.export.migration import files

    return files.next_files(catalog, existing)


@hookimpl
def ourvidz_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="migration",
            description="Write the next migrations of the database and the storage buckets.",
            path=FOLDER,
            next_files=next_files,
        )
    ]
