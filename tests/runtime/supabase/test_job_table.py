"""The table of jobs through PostgREST does all that a job table promises, and says what goes wrong."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from ourvidz.errors import OurvidzError
from ourvidz.jobs.table import JobRow, JobTable, JobTableRefused, JobTableUnavailable
from ourvidz.runtime.builtin_backends.supabase import open_job_table
from ourvidz.runtime.supabase_access import ServiceAccess, SupabaseNotConfigured
from ourvidz.runtime.table.postgrest import PostgrestJobTable
from tests.conformance.jobs import USER, job_id
from tests.conformance.table import LOST, NOW, JobTableConformance, TableSite
from tests.servers.faults import Answer, Fault, FaultFront, LostReply, Reset, Stall
from tests.servers.supabase import Supabase


class Rows:
    """See :class:`tests.conformance.table.TableSite`."""

    def __init__(self, server: Supabase) -> None:
        self._server = server

    def insert(self, *numbers: int, status: str = "queued", age: float = 3600.0) -> None:
        created = datetime.fromtimestamp(NOW - age, UTC).isoformat()
        common = {"user_id": USER, "job_type": "sdxl_image_fast", "status": status, "created_at": created}
        self._server.insert(*({"id": job_id(number), **common} for number in numbers))

    def update(self, id: str, **values: object) -> None:
        self._server.update(id, **values)

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        return self._server.rows()


class TestPostgrestJobTable(JobTableConformance):
    @pytest.fixture
    def site(self, server: Supabase) -> TableSite:
        return Rows(server)

    @pytest.fixture
    def open_table(self, server: Supabase) -> Callable[[], JobTable]:
        return lambda: PostgrestJobTable(ServiceAccess(url=server.url, key=server.key))


@pytest.fixture
def table(front: FaultFront, server: Supabase, request: pytest.FixtureRequest) -> Iterator[PostgrestJobTable]:
    """The table behind a front that spoils requests; it waits long only where nothing stalls."""
    callspec = getattr(request.node, "callspec", None)
    stalls = callspec is not None and isinstance(callspec.params.get("fault"), Stall)
    access = ServiceAccess(url=front.url, key=server.key)
    with closing(PostgrestJobTable(access, timeout=0.7 if stalls else 30.0)) as table:
        yield table


def told(status: int, code: str, message: str) -> Answer:
    """An error as PostgREST writes it."""
    return Answer(status=status, body=json.dumps({"code": code, "message": message}).encode())


ROW = JobRow(job_id=job_id(0), job_type="sdxl_image_fast", status="queued")

PASSING = [
    pytest.param(told(500, "57P03", "the database system is starting up"), id="starting"),
    pytest.param(told(500, "53300", "too many connections"), id="full"),
    pytest.param(Answer(status=500, body=b"<html>oops</html>"), id="proxy"),
    pytest.param(Answer(status=429, body=b"slow down"), id="too many"),
    pytest.param(Stall(), id="stall"),
]

REFUSING = [
    pytest.param(told(404, "PGRST205", "Could not find the table"), id="no table"),
    pytest.param(told(400, "42703", "column jobs.job_type does not exist"), id="no column"),
    pytest.param(told(403, "42501", "permission denied for table jobs"), id="no grant"),
    pytest.param(Answer(status=200, body=b"<html>welcome</html>"), id="a web page"),
    pytest.param(Answer(status=200, body=b'{"rows": []}'), id="no list"),
    pytest.param(Answer(status=200, body=b'[{"id": "7", "status": "queued"}]'), id="no such rows"),
    pytest.param(Answer(status=301, headers={"location": "http://127.0.0.1:1/"}), id="elsewhere"),
]


@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_told_as_such(
    front: FaultFront, table: PostgrestJobTable, server: Supabase, fault: Fault
) -> None:
    Rows(server).insert(0)
    for ask in (lambda: table.statuses([job_id(0)]), lambda: table.fail(ROW, LOST)):
        front.spoil(fault)
        with pytest.raises(JobTableUnavailable, match="the job table: "):
            ask()
    assert front.spent
    assert server.rows()[job_id(0)]["status"] == "queued"


@pytest.mark.parametrize("fault", REFUSING)
def test_what_will_not_pass_is_told_as_such(
    front: FaultFront, table: PostgrestJobTable, fault: Fault
) -> None:
    front.spoil(fault)
    with pytest.raises(JobTableRefused, match="the job table: cannot be read: "):
        list(table.open_rows(before=NOW))
    assert front.spent


def test_reading_goes_on_where_the_connection_broke(
    front: FaultFront, table: PostgrestJobTable, server: Supabase
) -> None:
    Rows(server).insert(0)
    front.spoil(Reset())
    assert table.statuses([job_id(0)]) == {job_id(0): "queued"}
    assert front.spent


def test_a_change_whose_reply_was_lost_is_not_made_twice(
    front: FaultFront, table: PostgrestJobTable, server: Supabase
) -> None:
    Rows(server).insert(0)
    front.spoil(LostReply())
    with pytest.raises(
        JobTableUnavailable, match=f"row {job_id(0)} cannot be changed: the connection failed"
    ):
        table.fail(ROW, LOST)
    assert server.rows()[job_id(0)]["status"] == "failed"
    assert not table.fail(ROW, LOST)


def test_a_constraint_that_refuses_the_change_is_told_of(front: FaultFront, table: PostgrestJobTable) -> None:
    front.spoil(told(400, "23514", 'violates check constraint "jobs_status_check"'))
    with pytest.raises(JobTableRefused, match=r"answered 23514 .*jobs_status_check"):
        table.fail(ROW, LOST)


def test_a_key_that_is_not_accepted_is_named_and_not_shown(
    server: Supabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hidden = "sb_secret_hidden"
    with (
        closing(PostgrestJobTable(ServiceAccess(url=server.url, key=hidden))) as table,
        pytest.raises(JobTableRefused, match="SUPABASE_SERVICE_ROLE_KEY; copy it anew") as refused,
    ):
        table.statuses([job_id(0)])
    assert hidden not in str(refused.value) + caplog.text


def jwt(role: str) -> str:
    """The older form of Supabase's keys; its signature is the server's to check."""
    parts = [json.dumps(one).encode() for one in ({"alg": "HS256"}, {"role": role})] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize("key", [jwt("anon"), jwt("authenticated"), "sb_publishable_abc"])
def test_a_key_that_sees_less_than_all_rows_is_refused(key: str) -> None:
    environment = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": key}
    with pytest.raises(SupabaseNotConfigured, match="expected the service key") as refused:
        open_job_table(environment)
    assert key not in str(refused.value)


@pytest.mark.parametrize("key", [jwt("service_role"), "sb_secret_abc"])
def test_a_service_key_of_either_form_opens_the_table(key: str) -> None:
    environment = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": key}
    open_job_table(environment).close()


def test_without_an_address_there_is_no_table() -> None:
    with pytest.raises(OurvidzError, match="SUPABASE_URL: not set"):
        open_job_table({})
