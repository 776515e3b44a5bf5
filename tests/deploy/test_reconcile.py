"""What the platform's table, the queue and storage do not agree about is found, and mended with care."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ourvidz.deploy.reconcile.comparing import Comparison, QueueUnrelated
from ourvidz.deploy.reconcile.findings import Bounded, Finding
from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.jobs.queue import Claim, Queue
from ourvidz.jobs.states import JobState
from ourvidz.jobs.storage import result_key
from ourvidz.jobs.table import JobTable
from ourvidz.runtime.storage.folder import FolderStorage
from ourvidz.runtime.supabase_access import ServiceAccess
from ourvidz.runtime.table.postgrest import PostgrestJobTable
from ourvidz.spec.catalog import Catalog
from tests.conformance.jobs import FAILURE, USER, envelope, job_id, payload, result
from tests.conformance.site import QueueSite, claimed, told
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.runtime.sqlite_site import SqliteSite
from tests.servers.supabase import Supabase
from tests.site import Site

QUEUE, JOB_TYPE = "placeholder_queue", "placeholder_fast"

HOUR = 3600.0


@dataclass(slots=True)
class Deployment:
    """A table, a queue with a clock that tests move, and a storage, as reconcile sees them."""

    server: Supabase
    table: JobTable
    site: QueueSite
    queue: Queue
    storage: FolderStorage
    catalog: Catalog
    ahead: float = 0.0
    """How far the queue's clock was moved, in seconds."""

    def row(
        self, *numbers: int, status: str = "queued", job_type: str = JOB_TYPE, age: float = 2 * HOUR
    ) -> None:
        """Put in the rows of jobs, made ``age`` seconds ago."""
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        common = {"user_id": USER, "job_type": job_type, "status": status, "created_at": created}
        self.server.insert(*({"id": job_id(number), **common} for number in numbers))

    def push(self, *numbers: int) -> None:
        for number in numbers:
            self.queue.push(QUEUE, payload(number, job_type=JOB_TYPE))

    def pass_time(self, seconds: float) -> None:
        self.site.pass_time(seconds)
        self.ahead += seconds

    def comparison(self) -> Comparison:
        """What is older than an hour is compared."""
        return Comparison(
            table=self.table,
            queue=self.queue,
            storage=self.storage,
            catalog=self.catalog,
            before=time.time() + self.ahead - HOUR,
        )

    def found(self) -> dict[str, str]:
        """Every finding: what it is about, and its kind."""
        return {one.about: one.kind for one in self.findings()}

    def findings(self) -> list[Finding]:
        comparison = self.comparison()
        return [*comparison.rows(), *comparison.jobs(), *comparison.objects()]

    def mend(self) -> list[bool]:
        return [one.mend() for one in self.findings()]

    def statuses(self) -> dict[str, str]:
        return {one: row["status"] for one, row in self.server.rows().items()}


@pytest.fixture(params=["sqlite", "redis"])
def queue_site(request: pytest.FixtureRequest, tmp_path: Path) -> QueueSite:
    if request.param == "sqlite":
        return SqliteSite(tmp_path / "queue.sqlite3")
    redis: RedisServer = request.getfixturevalue("redis_server")
    return RedisSite(redis.port)


@pytest.fixture
def deployment(server: Supabase, queue_site: QueueSite, site: Site, tmp_path: Path) -> Iterator[Deployment]:
    access = ServiceAccess(url=server.url, key=server.key)
    with closing(PostgrestJobTable(access)) as table, closing(queue_site.open()) as queue:
        storage = FolderStorage(tmp_path / "storage")
        yield Deployment(server, table, queue_site, queue, storage, site.project().catalog)


class TestRows:
    def test_a_row_without_a_job_fails_and_says_so(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.row(2, status="processing")
        deployment.row(3, age=60)
        assert deployment.found() == {job_id(1): "row_without_job", job_id(2): "row_without_job"}
        assert set(deployment.statuses().values()) == {"queued", "processing"}
        assert deployment.mend() == [True, True]
        rows = deployment.server.rows()
        assert {one: row["status"] for one, row in rows.items()} == {
            job_id(1): "failed",
            job_id(2): "failed",
            job_id(3): "queued",
        }
        assert rows[job_id(1)]["error_message"].endswith("submit it again [job_lost]")
        assert deployment.findings() == []

    def test_what_hangs_on_a_failed_row_is_told_by_the_callback(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.mend()
        [event] = told(deployment.queue)
        assert event.error is not None
        assert (event.job_id, event.status, event.error.code) == (job_id(1), "failed", "job_lost")

    def test_rows_of_jobs_that_wait_or_run_are_right(self, deployment: Deployment) -> None:
        deployment.row(1, 2, 3)
        deployment.row(4, status="processing")
        deployment.push(1, 2, 3, 4)
        claimed(deployment.queue, QUEUE)
        deployment.queue.retry_later(claimed(deployment.queue, QUEUE).lease, FAILURE, delay=60)
        assert deployment.found() == {}

    def test_a_job_that_still_lies_on_the_producers_list_is_no_lost_one(
        self, deployment: Deployment, request: pytest.FixtureRequest
    ) -> None:
        """No worker has looked at the list since it was pushed."""
        deployment.row(1)
        if isinstance(deployment.site, RedisSite):
            deployment.queue = RedisSite(deployment.site.port, dict(deployment.catalog.queues)).open()
            redis: RedisServer = request.getfixturevalue("redis_server")
            with redis.client() as producer:
                producer.lpush(QUEUE, payload(1, job_type=JOB_TYPE))
        else:
            deployment.push(1)
        assert deployment.found() == {}
        deployment.queue.close()

    def test_a_row_whose_payload_could_not_be_read_says_why(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.queue.push(QUEUE, json.dumps({"version": 1, "job_id": job_id(1)}).encode())
        [letter] = deployment.queue.dead_letters.list()
        [finding] = deployment.findings()
        assert finding.found == f"queued, and the job is dead letter {letter.id}"
        assert finding.mend()
        message = deployment.server.rows()[job_id(1)]["error_message"]
        assert message == f"{letter.failure.message} [{letter.failure.code}]"
        assert deployment.queue.dead_letters.list() == [letter]

    @pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
    def test_a_row_that_has_not_heard_of_its_jobs_end_is_told_again(
        self, deployment: Deployment, end: JobState
    ) -> None:
        deployment.row(1, status="processing")
        deployment.push(1)
        end_job(deployment.queue, end)
        [first] = told(deployment.queue)
        assert deployment.found() == {}, "its callback may be on its way"
        deployment.pass_time(2 * HOUR)
        assert deployment.found() == {job_id(1): "row_not_told"}
        assert deployment.mend() == [True]
        assert deployment.mend() == [True]
        assert told(deployment.queue) == [first]
        assert deployment.statuses() == {job_id(1): "processing"}, (
            "the callback changes it, and what hangs on it"
        )

    def test_what_is_told_already_is_not_told_again(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.push(1)
        end_job(deployment.queue, "failed")
        deployment.pass_time(2 * HOUR)
        deployment.mend()
        assert [event.status for event in told(deployment.queue)] == ["failed"]

    @pytest.mark.parametrize("status", ["completed", "failed"])
    def test_a_row_that_has_ended_is_never_touched(self, deployment: Deployment, status: str) -> None:
        deployment.row(1, 2, status=status)
        deployment.push(2)
        before = deployment.server.rows()
        assert deployment.mend() == []
        assert deployment.server.rows() == before

    def test_a_row_whose_finished_job_is_forgotten_is_right(self, deployment: Deployment) -> None:
        deployment.row(1, status="processing")
        deployment.push(1)
        end_job(deployment.queue, "completed")
        told(deployment.queue)
        deployment.server.update(job_id(1), status="completed")
        deployment.pass_time(40 * 24 * HOUR)
        assert deployment.queue.trim(older_than=30 * 24 * HOUR) == 1
        assert deployment.found() == {}

    @pytest.mark.parametrize("status", ["completed", "failed", "processing"])
    def test_a_row_that_moves_between_the_look_and_the_mending_is_left_alone(
        self, deployment: Deployment, status: str
    ) -> None:
        deployment.row(1)
        [finding] = deployment.findings()
        deployment.server.update(job_id(1), status=status, error_message=None)
        before = deployment.server.rows()
        assert not finding.mend()
        assert deployment.server.rows() == before
        assert told(deployment.queue) == []

    def test_a_job_that_is_retried_between_the_look_and_the_mending_is_not_told_of(
        self, deployment: Deployment
    ) -> None:
        deployment.row(1)
        deployment.push(1)
        end_job(deployment.queue, "failed")
        told(deployment.queue)
        deployment.pass_time(2 * HOUR)
        [finding] = deployment.findings()
        deployment.queue.retry(job_id(1))
        assert not finding.mend()
        assert told(deployment.queue) == []

    def test_rows_of_job_types_that_are_not_ours_are_passed_over_and_counted(
        self, deployment: Deployment
    ) -> None:
        deployment.row(1, 2, job_type="character_training")
        comparison = deployment.comparison()
        assert list(comparison.rows()) == []
        assert comparison.foreign == {"character_training": 2}

    def test_thousands_of_rows_are_compared(self, deployment: Deployment) -> None:
        deployment.row(*range(1_203))
        deployment.push(*range(0, 1_203, 600))
        lost = set(range(1_203)) - set(range(0, 1_203, 600))
        assert deployment.found() == {job_id(number): "row_without_job" for number in lost}


class TestJobs:
    def test_a_waiting_job_without_a_row_is_cancelled(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.push(1, 2)
        assert deployment.found() == {job_id(2): "job_without_row"}
        assert deployment.mend() == [True]
        assert deployment.queue.job(job_id(2)).state == "cancelled"
        assert deployment.queue.job(job_id(1)).state == "queued"
        assert deployment.findings() == []

    def test_every_job_that_has_not_ended_is_looked_at(self, deployment: Deployment) -> None:
        """Also those that wait for a delay, or wait on a queue of no worker."""
        deployment.push(1, 2, 3)
        deployment.queue.push("forgotten_queue", payload(4, job_type=JOB_TYPE))
        deployment.queue.retry_later(claimed(deployment.queue, QUEUE).lease, FAILURE, delay=60)
        claimed(deployment.queue, QUEUE)
        assert deployment.found() == {job_id(number): "job_without_row" for number in (1, 2, 3, 4)}

    def test_a_running_job_without_a_row_is_asked_to_stop_once(self, deployment: Deployment) -> None:
        deployment.push(1)
        lease = claimed(deployment.queue, QUEUE).lease
        assert deployment.found() == {job_id(1): "job_without_row"}
        assert deployment.mend() == [True]
        assert deployment.findings() == []
        assert deployment.queue.beat(lease, lease_seconds=30) == "cancel"

    def test_a_job_that_ends_between_the_look_and_the_mending_stays_as_it_is(
        self, deployment: Deployment
    ) -> None:
        deployment.push(1)
        [finding] = deployment.findings()
        end_job(deployment.queue, "completed")
        assert not finding.mend()
        assert deployment.queue.job(job_id(1)).state == "completed"

    @pytest.mark.parametrize("status", ["completed", "failed"])
    def test_a_job_whose_row_has_ended_is_left_alone(self, deployment: Deployment, status: str) -> None:
        """Somebody may have retried it."""
        deployment.row(1, status=status)
        deployment.push(1)
        assert deployment.found() == {}

    def test_a_young_job_and_one_of_the_command_line_need_no_row(self, deployment: Deployment) -> None:
        young = envelope(1, job_type=JOB_TYPE).model_dump(mode="json") | {
            "submitted_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        }
        own = envelope(2, job_type=JOB_TYPE).model_copy(update={"user_id": LOCAL_USER})
        deployment.queue.push(QUEUE, json.dumps(young).encode())
        deployment.queue.push(QUEUE, own.to_payload())
        assert {job.job_id for job in deployment.queue.jobs()} == {job_id(1), job_id(2)}
        assert deployment.found() == {}

    def test_a_job_that_has_ended_needs_no_row(self, deployment: Deployment) -> None:
        deployment.push(1)
        end_job(deployment.queue, "completed")
        deployment.pass_time(2 * HOUR)
        assert deployment.found() == {}


class TestObjects:
    def test_an_object_without_a_winner_is_deleted(self, deployment: Deployment) -> None:
        deployment.row(1, status="failed")
        deployment.push(1)
        claim = claimed(deployment.queue, QUEUE)
        key = result_key(JOB_TYPE, USER, job_id(1), claim.lease.token, "0.png")
        deployment.storage.put(key, b"made", content_type="image/png")
        assert deployment.found() == {}
        deployment.queue.fail(claim.lease, FAILURE)
        assert deployment.found() == {str(key): "object_without_winner"}
        assert deployment.mend() == [True]
        assert list(deployment.storage.list(JOB_TYPE)) == []
        assert deployment.findings() == []


class TestRelation:
    """A queue and a table of different deployments would agree about nothing."""

    def test_an_empty_queue_may_be_the_wrong_one(self, deployment: Deployment) -> None:
        deployment.row(1)
        with pytest.raises(QueueUnrelated, match="the queue has no job"):
            deployment.comparison().check_related()

    def test_a_table_without_a_row_of_any_job_may_be_the_wrong_one(self, deployment: Deployment) -> None:
        deployment.row(1)
        deployment.push(2, 3)
        with pytest.raises(QueueUnrelated, match="none of the queue's newest 2 jobs has a row"):
            deployment.comparison().check_related()

    def test_one_job_with_a_row_relates_them(self, deployment: Deployment) -> None:
        deployment.row(2, status="completed")
        deployment.push(2, 3)
        end_job(deployment.queue, "completed")
        deployment.comparison().check_related()


def test_findings_are_bounded_by_kind_and_counted(deployment: Deployment) -> None:
    deployment.row(1, 2, 3)
    deployment.push(4)
    bounded = Bounded(2)
    listed = list(bounded.of(deployment.findings()))
    assert [one.kind for one in listed] == ["row_without_job", "row_without_job", "job_without_row"]
    assert (bounded.counts["row_without_job"], bounded.left) == (3, 1)


def end_job(queue: Queue, state: JobState) -> Claim:
    """Let the next job end."""
    claim = claimed(queue, QUEUE)
    if state == "completed":
        queue.complete(claim.lease, result(claim))
    elif state == "failed":
        queue.fail(claim.lease, FAILURE)
    else:
        queue.cancelled(claim.lease)
    return claim
