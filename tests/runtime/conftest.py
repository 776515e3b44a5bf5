"""Clients of a project folder, and a way to wait for what other processes do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ourvidz.runtime.client import Client
from tests.site import Site, site, until

__all__ = ["site"]


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client.open(site.project()) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    return until
