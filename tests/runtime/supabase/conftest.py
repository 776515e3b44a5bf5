"""One real server for all tests of a process, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.servers.faults import FaultFront, Stall, fault_front
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


@pytest.fixture
def timeouts(request: pytest.FixtureRequest) -> httpx.Timeout:
    """Short where a test lets the server stall; elsewhere a busy machine must not look like one."""
    callspec = getattr(request.node, "callspec", None)
    stalls = callspec is not None and isinstance(callspec.params.get("fault"), Stall)
    return httpx.Timeout(0.7 if stalls else 30.0)
