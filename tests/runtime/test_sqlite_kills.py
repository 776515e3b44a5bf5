"""Killed at any moment, the queue file loses nothing that it acknowledged, and ends nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.sqlite_site import SqliteSite
from tests.runtime.victims import Victims, check_kills


@pytest.fixture
def site(tmp_path: Path) -> SqliteSite:
    return SqliteSite(tmp_path / "queue.sqlite3")


@pytest.fixture
def victims(site: SqliteSite) -> Iterator[Victims]:
    victims = Victims(f"sqlite:{site.path}")
    yield victims
    victims.stop()


def test_producers_and_workers_killed_at_random_lose_no_job_and_end_none_twice(
    site: SqliteSite, victims: Victims
) -> None:
    check_kills(victims, site)
