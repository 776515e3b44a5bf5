"""Supabase as a plugin: results in its storage. Its client is loaded when the storage is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.runtime.locations import LocationInvalid

if TYPE_CHECKING:
    from ourvidz.jobs.storage import Storage


@hookimpl
def ourvidz_storages() -> Sequence[Backend[Storage]]:
    """``supabase:``, with ``SUPABASE_URL`` and ``SUPABASE_SERVICE_ROLE_KEY`` in the environment."""
    return [Backend(scheme="supabase", open=_open_storage)]


def _open_storage(context: BackendContext) -> Storage:
    if context.url != "supabase:":
        # What stands there may be a key.
        raise LocationInvalid(
            "the supabase URL: found something after the colon, expected supabase: alone; the project's "
            "address and its key come from SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
        )
    try:
        from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
    except ImportError as error:
        raise NotReady(f"{error.name} is missing; install ourvidz[supabase]") from error
    from ourvidz.runtime.storage.supabase.access import ServiceAccess

    buckets = context.catalog.buckets.items()
    public = frozenset(name for name, bucket in buckets if bucket.privacy == "public")
    return SupabaseStorage(ServiceAccess.read(os.environ), public=public)
