"""All that :class:`ourvidz.jobs.table.JobTable` promises, for a backend to inherit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import pytest

from ourvidz.jobs.states import Failure
from ourvidz.jobs.table import JobRow, JobTable
from tests.conformance.jobs import job_id

LOST = Failure(code="job_lost", message="the job was lost")

NOW = time.time()


class TableSite(Protocol):
    """The data of one table of the deployed shape, empty at the start of every test."""

    def insert(self, *numbers: int, status: str = "queued", age: float = 3600.0) -> None:
        """Put in the rows of jobs, all alike; ``age`` in seconds."""
        ...

    def update(self, id: str, **values: object) -> None:
        """Change a row, as an edge function or its owner does."""
        ...

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Every row by its id."""
        ...


class JobTableConformance:
    """Inherit it, and give the fixtures ``site`` and ``open_table``."""

    @pytest.fixture
    def site(self) -> TableSite:
        raise NotImplementedError("a backend's test class gives the site")

    @pytest.fixture
    def open_table(self) -> Callable[[], JobTable]:
        raise NotImplementedError("a backend's test class gives open_table")

    @pytest.fixture
    def table(self, open_table: Callable[[], JobTable]) -> Iterator[JobTable]:
        table = open_table()
        yield table
        table.close()

    def test_open_rows_are_those_that_say_queued_or_processing(
        self, site: TableSite, table: JobTable
    ) -> None:
        for number, status in enumerate(("queued", "processing", "completed", "failed")):
            site.insert(number, status=status)
        assert list(table.open_rows(before=NOW)) == [
            JobRow(job_id=job_id(0), job_type="sdxl_image_fast", status="queued"),
            JobRow(job_id=job_id(1), job_type="sdxl_image_fast", status="processing"),
        ]

    def test_of_young_rows_and_those_of_unknown_age_none_is_open(
        self, site: TableSite, table: JobTable
    ) -> None:
        for number in range(3):
            site.insert(number, age=600 * number)
        site.update(job_id(2), created_at=None)
        assert [row.job_id for row in table.open_rows(before=NOW - 300)] == [job_id(1)]

    def test_open_rows_are_given_once_each_while_they_end(self, site: TableSite, table: JobTable) -> None:
        """More than a page of them."""
        site.insert(*range(1_203))
        seen = []
        for row in table.open_rows(before=NOW):
            seen.append(row.job_id)
            if len(seen) % 100 == 0:
                assert table.fail(row, LOST)
        assert seen == [job_id(number) for number in range(1_203)]

    def test_statuses_are_told_of_the_rows_that_there_are(self, site: TableSite, table: JobTable) -> None:
        site.insert(*range(7), *range(8, 250))
        site.insert(7, status="completed")
        asked = table.statuses([job_id(number) for number in range(260)])
        assert asked == {job_id(number): "completed" if number == 7 else "queued" for number in range(250)}
        assert table.statuses([]) == {}

    @pytest.mark.parametrize("status", ["queued", "processing"])
    def test_a_row_that_fails_says_why_and_when(self, site: TableSite, table: JobTable, status: str) -> None:
        site.insert(0, 1, status=status)
        before = site.rows()
        [row, _] = table.open_rows(before=NOW)
        assert table.fail(row, LOST)
        after = site.rows()[job_id(0)]
        assert (after["status"], after["error_message"]) == ("failed", "the job was lost [job_lost]")
        assert after["completed_at"] is not None
        assert site.rows()[job_id(1)] == before[job_id(1)]
        changed = {name for name in after if after[name] != before[job_id(0)][name]}
        assert changed == {"status", "error_message", "completed_at"}

    @pytest.mark.parametrize("status", ["processing", "completed", "failed"])
    def test_a_row_that_says_something_else_by_now_is_left_alone(
        self, site: TableSite, table: JobTable, status: str
    ) -> None:
        site.insert(0)
        [row] = table.open_rows(before=NOW)
        site.update(job_id(0), status=status, error_message="its own")
        before = site.rows()
        assert not table.fail(row, LOST)
        assert site.rows() == before

    def test_a_row_fails_once(self, site: TableSite, table: JobTable) -> None:
        site.insert(0)
        [row] = table.open_rows(before=NOW)
        assert table.fail(row, LOST)
        assert not table.fail(row, Failure(code="other", message="another reason"))
        assert site.rows()[job_id(0)]["error_message"] == "the job was lost [job_lost]"

    def test_a_row_that_has_gone_does_not_come_back(self, site: TableSite, table: JobTable) -> None:
        row = JobRow(job_id=job_id(0), job_type="sdxl_image_fast", status="queued")
        assert not table.fail(row, LOST)
        assert site.rows() == {}

    def test_a_message_is_kept_as_it_is(self, site: TableSite, table: JobTable) -> None:
        site.insert(0)
        [row] = table.open_rows(before=NOW)
        message = 'line one\nline "two", é, 画, \\, \';--'
        assert table.fail(row, Failure(code="odd", message=message))
        assert site.rows()[job_id(0)]["error_message"] == f"{message} [odd]"
