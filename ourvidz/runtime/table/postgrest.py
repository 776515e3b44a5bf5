"""The table ``jobs`` of a Supabase project, through PostgREST and by the service key."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import httpx
from postgrest import APIError, SyncPostgrestClient
from pydantic import BaseModel

from ourvidz.jobs.states import Failure
from ourvidz.jobs.table import OPEN, JobRow, JobTableRefused, JobTableUnavailable
from ourvidz.runtime.foreign_words import quoted
from ourvidz.runtime.supabase_access import KEY_VARIABLE, ServiceAccess

#: Seconds for each step of a request.
TIMEOUT: Final = 30.0

#: Rows that are asked for at a time; the server may give fewer.
PAGE: Final = 500

#: Ids that one request names: each takes 37 characters of an address.
_IDS: Final = 100

#: Characters of a server's message that are repeated.
_QUOTED: Final = 200

#: What may pass: PostgREST's codes for a database that it cannot reach (Errors, group 0), and the classes
#: of PostgreSQL's for connections, resources, and an operator's doing (appendix A).
_PASSING: Final = ("PGRST00", "08", "53", "57")


class _Row(BaseModel):
    id: UUID
    job_type: str | None
    status: str


class _Status(BaseModel):
    id: UUID
    status: str


class PostgrestJobTable:
    """See :class:`ourvidz.jobs.table.JobTable`.

    Reading is tried again by the client library where the connection breaks; a change is not, since
    whoever runs the comparison again finds what is left.
    """

    def __init__(self, access: ServiceAccess, *, timeout: float = TIMEOUT) -> None:
        # It logs the address of every request, and below it headers, of which one is the key.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            event_hooks={"response": [_check_key]},
        )
        self._key = access.key
        headers = {"apikey": access.key, "authorization": f"Bearer {access.key}"}
        self._client = SyncPostgrestClient(f"{access.url}/rest/v1", headers=headers, http_client=self._http)

    def open_rows(self, *, before: float) -> Iterator[JobRow]:
        last: str | None = None
        while page := self._page(before, last):
            yield from page
            last = page[-1].job_id

    def statuses(self, job_ids: Collection[str]) -> Mapping[str, str]:
        ids, found = list(job_ids), {}
        for start in range(0, len(ids), _IDS):
            some = ids[start : start + _IDS]
            with _asking("cannot be read", self._key):
                answer = self._client.from_("jobs").select("id,status").in_("id", some).execute()
                rows = [_Status.model_validate(one) for one in answer.data]
            found.update({str(row.id): row.status for row in rows})
        return found

    def fail(self, row: JobRow, failure: Failure) -> bool:
        """The table has no column for a code, so that the message ends in it."""
        values = {
            "status": "failed",
            "error_message": f"{failure.message} [{failure.code}]",
            "completed_at": datetime.now(UTC).isoformat(),
        }
        with _asking(f"row {row.job_id} cannot be changed", self._key):
            changing = self._client.from_("jobs").update(values).eq("id", row.job_id)
            return bool(changing.eq("status", row.status).execute().data)

    def close(self) -> None:
        self._http.close()

    def _page(self, before: float, last: str | None) -> list[JobRow]:
        moment = datetime.fromtimestamp(before, UTC).isoformat()
        with _asking("cannot be read", self._key):
            asked = self._client.from_("jobs").select("id,job_type,status")
            asked = asked.in_("status", OPEN).lt("created_at", moment)
            if last is not None:
                asked = asked.gt("id", last)
            return [_row(one) for one in asked.order("id").limit(PAGE).execute().data]


def _row(told: object) -> JobRow:
    row = _Row.model_validate(told)
    return JobRow(job_id=str(row.id), job_type=row.job_type or "", status=row.status)


def _check_key(response: httpx.Response) -> None:
    """Raises JobTableRefused without the server's words: what it says of a key may repeat it."""
    if response.status_code == 401:
        raise JobTableRefused(f"the job table: the server does not accept {KEY_VARIABLE}; copy it anew")


def _may_pass(code: str) -> bool:
    """Whether the same request may work later. Where a proxy answered, the code is HTTP's status."""
    return code.startswith(_PASSING) or (len(code) == 3 and code >= "500") or code in ("408", "429")


@contextmanager
def _asking(what: str, key: str) -> Iterator[None]:
    """Say what went wrong in the words of the protocol, and never the key.

    Raises JobTableUnavailable, JobTableRefused.
    """
    try:
        yield
    except APIError as error:
        code, said = (quoted(one or "", [key], longest=_QUOTED) for one in (error.code, error.message))
        kind = JobTableUnavailable if _may_pass(code) else JobTableRefused
        raise kind(f"the job table: {what}: the server answered {code} {said!a}") from None
    except httpx.TimeoutException as error:
        raise JobTableUnavailable(
            f"the job table: {what}: no answer in time ({type(error).__name__})"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise JobTableUnavailable(
            f"the job table: {what}: the connection failed ({type(error).__name__})"
        ) from None
    except (ValueError, TypeError):
        # The client library takes every success for JSON of the right shape.
        raise JobTableRefused(
            f"the job table: {what}: the answer holds no rows of a table jobs with id, job_type and status"
        ) from None
