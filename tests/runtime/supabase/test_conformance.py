"""Supabase's storage does all that a storage promises, on Supabase's own server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ourvidz.jobs.storage import Storage
from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
from ourvidz.runtime.supabase_access import ServiceAccess
from tests.conformance.storage import StorageConformance
from tests.servers.supabase import Supabase


class TestSupabaseStorage(StorageConformance):
    @pytest.fixture
    def open_storage(self, server: Supabase) -> Callable[[], Storage]:
        return lambda: SupabaseStorage(ServiceAccess(url=server.url, key=server.key))
