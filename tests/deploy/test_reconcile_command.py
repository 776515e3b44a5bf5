"""``ourvidz reconcile`` as an operator and a timer see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from ourvidz.jobs.queue import Queue
from ourvidz.jobs.storage import result_key
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.runtime.storage.folder import FolderStorage
from tests.conformance.jobs import FAILURE, USER, job_id, payload
from tests.conformance.site import claimed
from tests.servers.supabase import Supabase
from tests.site import Site

QUEUE, JOB_TYPE = "placeholder_queue", "placeholder_fast"

BACKENDS = """\
backends:
  queue: sqlite:queue.sqlite3
  storage: file:storage
"""

OLD = "2025-07-01T12:00:00Z"


@pytest.fixture(autouse=True)
def _project(site: Site, server: Supabase, monkeypatch: pytest.MonkeyPatch) -> None:
    with (site.root / "ourvidz.yaml").open("a") as settings:
        settings.write(BACKENDS)
    monkeypatch.setenv("SUPABASE_URL", server.url)
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", server.key)


@pytest.fixture
def queue(site: Site) -> Iterator[Queue]:
    with closing(SqliteQueue(site.root / "queue.sqlite3")) as queue:
        yield queue


def insert(server: Supabase, *numbers: int, job_type: str = JOB_TYPE) -> None:
    common = {"user_id": USER, "job_type": job_type, "created_at": OLD}
    server.insert(*({"id": job_id(number), **common} for number in numbers))


def push(queue: Queue, *numbers: int) -> None:
    for number in numbers:
        queue.push(QUEUE, payload(number, job_type=JOB_TYPE))


def statuses(server: Supabase) -> dict[str, str]:
    return {one: row["status"] for one, row in server.rows().items()}


def test_what_agrees_is_nothing_to_mend(site: Site, server: Supabase, queue: Queue) -> None:
    insert(server, 1)
    push(queue, 1)
    run = site.ourvidz("reconcile")
    assert (run.returncode, run.stdout, run.stderr) == (0, "nothing to mend\n", "")


def test_it_tells_first_mends_when_told_and_twice_is_as_once(
    site: Site, server: Supabase, queue: Queue
) -> None:
    insert(server, 1, 2)
    push(queue, 1, 3)
    failed = claimed(queue, QUEUE)
    key = result_key(JOB_TYPE, USER, job_id(1), failed.lease.token, "0.png")
    storage = FolderStorage(site.root / "storage")
    storage.put(key, b"made", content_type="image/png")
    queue.fail(failed.lease, FAILURE)

    told = site.ourvidz("reconcile", "--grace", "0s")
    assert told.returncode == 5, told.stderr
    kinds = [line.split()[0] for line in told.stdout.splitlines()]
    assert kinds == [
        "kind",
        "row_not_told",
        "row_without_job",
        "job_without_row",
        "object_without_winner",
        "4",
    ]
    assert told.stdout.endswith("4 to mend; --apply mends\n")
    assert statuses(server) == {job_id(1): "queued", job_id(2): "queued"}
    assert queue.job(job_id(3)).state == "queued"
    assert storage.read(key)

    mended = site.ourvidz("reconcile", "--grace", "0s", "--apply")
    assert (mended.returncode, mended.stdout.splitlines()[-1]) == (0, "4 mended")
    assert statuses(server) == {job_id(1): "queued", job_id(2): "failed"}
    assert queue.job(job_id(3)).state == "cancelled"
    assert list(storage.list(JOB_TYPE)) == []

    rows = server.rows()
    again = site.ourvidz("reconcile", "--grace", "0s", "--apply", "--json")
    assert [one["kind"] for one in json.loads(again.stdout)["findings"]] == ["row_not_told"]
    assert again.returncode == 0
    assert server.rows() == rows
    assert queue.outbox.waiting() == 3, "expected the ends of jobs 1, 2 and 3, each once"


def test_machines_read_what_was_found_and_what_became_of_it(
    site: Site, server: Supabase, queue: Queue
) -> None:
    insert(server, 1, 2)
    insert(server, 7, job_type="character_training")
    push(queue, 1)
    run = site.ourvidz("reconcile", "--json")
    assert run.returncode == 5
    assert json.loads(run.stdout) == {
        "findings": [
            {
                "kind": "row_without_job",
                "about": job_id(2),
                "found": "queued, and the queue knows no such job",
                "remedy": "let the row say failed [job_lost], and tell it",
                "outcome": "found",
            }
        ],
        "counts": {"row_without_job": 1},
        "left": 0,
        "foreignRows": {"character_training": 1},
        "warning": None,
    }
    run = site.ourvidz("reconcile", "--json", "--apply")
    assert [one["outcome"] for one in json.loads(run.stdout)["findings"]] == ["mended"]
    assert statuses(server)[job_id(7)] == "queued"


def test_rows_of_other_job_types_are_told_of(site: Site, server: Supabase, queue: Queue) -> None:
    insert(server, 1)
    insert(server, 7, job_type="character_training")
    push(queue, 1)
    run = site.ourvidz("reconcile")
    told = "passed over: 1 open row of character_training, not in the catalog"
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, told)


def test_a_queue_of_another_deployment_mends_nothing(site: Site, server: Supabase) -> None:
    insert(server, 1)
    told = site.ourvidz("reconcile")
    assert told.returncode == 5
    assert told.stderr.startswith("warning: the queue has no job of the platform's, so nothing shows")
    refused = site.ourvidz("reconcile", "--apply", "--json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert json.loads(refused.stderr)["error"]["code"] == "queue_unrelated"
    assert statuses(server) == {job_id(1): "queued"}
    assert site.ourvidz("reconcile", "--apply", "--new-queue").returncode == 0
    assert statuses(server) == {job_id(1): "failed"}


def test_no_more_than_the_limit_is_mended_at_once(site: Site, server: Supabase, queue: Queue) -> None:
    insert(server, 1, 2, 3, 4)
    push(queue, 1)
    run = site.ourvidz("reconcile", "--apply", "--limit", "2")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (5, "2 mended, 1 more: run it again")
    assert sorted(statuses(server).values()) == ["failed", "failed", "queued", "queued"]
    assert site.ourvidz("reconcile", "--apply", "--limit", "2").returncode == 0


def test_only_what_was_asked_for_is_looked_at(site: Site, server: Supabase, queue: Queue) -> None:
    insert(server, 1, 2)
    push(queue, 1, 3)
    run = site.ourvidz("reconcile", "--only", "jobs", "--apply")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "1 mended")
    assert statuses(server)[job_id(2)] == "queued"


def test_what_was_mended_before_an_error_is_told(
    site: Site, server: Supabase, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This storage lists nothing."""
    insert(server, 1, 2)
    push(queue, 1)
    monkeypatch.setenv("OURVIDZ_STORAGE_URL", "supabase-signed:https://signing.example/urls")
    monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"july:{'7' * 32}")
    run = site.ourvidz("reconcile", "--apply", "--json")
    assert run.returncode == 1
    assert [one["outcome"] for one in json.loads(run.stdout)["findings"]] == ["mended"]
    error = json.loads(run.stderr)["error"]
    assert (error["code"], "use the storage supabase:" in error["message"]) == ("storage_refused", True)
    assert statuses(server) == {job_id(1): "queued", job_id(2): "failed"}


@pytest.mark.parametrize(("grace", "told"), [("5", "the unit is missing"), ("soon", "expected a time")])
def test_a_grace_that_is_no_time_is_refused(site: Site, grace: str, told: str) -> None:
    run = site.ourvidz("reconcile", "--grace", grace)
    assert run.returncode == 2
    assert told in run.stderr
