"""One real server for all tests of a process."""

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
    database = Database(server.at("empty"), lasting=False)
    yield database
    database.close()


@pytest.fixture
def deployed(server: Platform) -> Iterator[Database]:
    """A project with the table of jobs that is deployed, and rows in it."""
    database = Database(server.at("deployed"), lasting=False)
    yield database
    database.close()


@pytest.fixture(params=["empty", "deployed"])
def database(request: pytest.FixtureRequest) -> Database:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Database)
    return found


@pytest.fixture(params=["empty", "deployed"])
def lasting(request: pytest.FixtureRequest, server: Platform) -> Iterator[Database]:
    """A project for one test alone, which other connections see as well."""
    database = Database(server.database(request.param), lasting=True)
    yield database
    database.close()
