"""The queue file does all that a queue promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.queue import QueueConformance
from tests.conformance.site import QueueSite
from tests.runtime.sqlite_site import SqliteSite


class TestSqliteQueue(QueueConformance):
    @pytest.fixture
    def site(self, tmp_path: Path) -> QueueSite:
        return SqliteSite(tmp_path / "queue.sqlite3")
