"""One real server for all tests of a process, and a database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.database import Database
from tests.servers.platform import Platform, platform


@pytest.fixture(scope="session")
def server() -> Iterator[Platform]:
    with platform() as server:
        yield server


@pytest.fixture
def empty(server: Platform) -> Iterator[Database]:
    """A project in which nothing has been made yet."""
    database = Database(server.database("empty"))
    yield database
    database.close()


@pytest.fixture
def deployed(server: Platform) -> Iterator[Database]:
    """A project with the table of jobs that is deployed, and rows in it."""
    database = Database(server.database("deployed"))
    yield database
    database.close()


@pytest.fixture(params=["empty", "deployed"])
def database(request: pytest.FixtureRequest) -> Database:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Database)
    return found
