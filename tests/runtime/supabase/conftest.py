"""One real server for all tests of a process, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.faults import FaultFront, fault_front
from tests.servers.supabase import Supabase, supabase


@pytest.fixture(scope="session")
def running_supabase() -> Iterator[Supabase]:
    with supabase() as server:
        yield server


@pytest.fixture
def server(running_supabase: Supabase) -> Supabase:
    running_supabase.empty()
    return running_supabase


@pytest.fixture
def front(server: Supabase) -> Iterator[FaultFront]:
    """The same server behind a front that spoils requests."""
    with fault_front(server.url, server.resumable) as front:
        yield front
