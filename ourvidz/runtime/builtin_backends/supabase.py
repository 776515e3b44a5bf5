"""Supabase as a plugin: its storage, and its table of jobs. Clients are loaded when they are needed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.runtime.client_libraries import client_needed
from ourvidz.runtime.locations import LocationInvalid

if TYPE_CHECKING:
    from ourvidz.jobs.storage import Storage
    from ourvidz.jobs.table import JobTable


#: Stands before the signing endpoint's address.
SIGNED = "supabase-signed"


@hookimpl
def ourvidz_storages() -> Sequence[Backend[Storage]]:
    """``supabase:`` by the service key, and ``supabase-signed:https://…`` by signed URLs without it."""
    return [
        Backend(scheme="supabase", open=_open_storage),
        Backend(scheme=SIGNED, open=_open_signed),
    ]


def _open_storage(context: BackendContext) -> Storage:
    if context.url != "supabase:":
        # What stands there may be a key.
        raise LocationInvalid(
            "the supabase URL: found something after the colon, expected supabase: alone; the project's "
            "address and its key come from SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
        )
    with client_needed("supabase"):
        from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
    from ourvidz.runtime.supabase_access import ServiceAccess

    buckets = context.catalog.buckets.items()
    public = frozenset(name for name, bucket in buckets if bucket.privacy == "public")
    return SupabaseStorage(ServiceAccess.read(os.environ), public=public)


def _open_signed(context: BackendContext) -> Storage:
    with client_needed("supabase"):
        from ourvidz.runtime.storage.supabase.signed import SignedStorage, Signer

    return SignedStorage(Signer.read(context.url.removeprefix(f"{SIGNED}:"), os.environ))


def open_job_table(environment: Mapping[str, str]) -> JobTable:
    """Open the project's job table, by the service key. Raises SupabaseNotConfigured, ClientMissing."""
    with client_needed("supabase"):
        from ourvidz.runtime.table.postgrest import PostgrestJobTable
    from ourvidz.runtime.supabase_access import ServiceAccess

    return PostgrestJobTable(ServiceAccess.read(environment))
