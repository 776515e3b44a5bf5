"""What only the queue file has: a clock that can step, a disk that can fill, a file that can be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ourvidz.jobs.queue import LeaseLost, QueueUnavailable
from ourvidz.runtime.queue.sqlite import QueueFileInvalid, SqliteQueue, forgetting
from ourvidz.runtime.queue.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION
from tests.conformance.jobs import FAILURE, envelope, job_id, payload, result
from tests.conformance.site import claim, claimed, told
from tests.runtime.sqlite_site import SqliteSite, connection_of

HOUR = 3600.0


@pytest.fixture
def site(tmp_path: Path) -> SqliteSite:
    return SqliteSite(tmp_path / "queue.sqlite3")


@pytest.fixture
def queue(site: SqliteSite) -> Iterator[SqliteQueue]:
    with closing(site.open()) as queue:
        yield queue


@pytest.fixture
def other(site: SqliteSite) -> Iterator[SqliteQueue]:
    with closing(site.open()) as queue:
        yield queue


@pytest.fixture
def raw(site: SqliteSite) -> Iterator[sqlite3.Connection]:
    """The file as another program sees it."""
    site.open().close()
    with closing(sqlite3.connect(site.path, isolation_level=None)) as connection:
        yield connection


class TestClockSteps:
    def test_a_clock_set_forward_does_not_take_a_job_from_a_worker_that_beats(
        self, site: SqliteSite, queue: SqliteQueue, other: SqliteQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        site.pass_time(HOUR)
        assert other.job(job_id(1)).state == "queued"
        assert queue.beat(found.lease, lease_seconds=30) == "ok"
        site.pass_time(20)
        assert claim(other) is None
        queue.complete(found.lease, result(found))

    def test_a_job_claimed_twice_after_a_step_is_completed_once(
        self, site: SqliteSite, queue: SqliteQueue, other: SqliteQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        first = claimed(queue)
        site.pass_time(HOUR)
        second = claimed(other)
        with pytest.raises(LeaseLost):
            queue.complete(first.lease, result(first))
        other.complete(second.lease, result(second))
        assert len(told(queue)) == 1

    def test_a_clock_set_back_does_not_keep_a_dead_workers_job(
        self, site: SqliteSite, queue: SqliteQueue, other: SqliteQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue, lease=30)
        site.pass_time(-HOUR)
        assert claim(other) is None, "expected the lease to run for its full length from now"
        site.pass_time(31)
        assert claimed(other).lease.job_id == job_id(1)

    def test_a_worker_that_only_waits_notices_a_clock_set_back(
        self, site: SqliteSite, queue: SqliteQueue, other: SqliteQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        claimed(queue, lease=30)
        site.pass_time(-HOUR)
        assert not other.wait(["sdxl_queue"], timeout=0)
        site.pass_time(31)
        assert other.wait(["sdxl_queue"], timeout=0)

    def test_a_clock_set_back_does_not_stretch_a_delay(self, site: SqliteSite, queue: SqliteQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.retry_later(claimed(queue).lease, FAILURE, delay=10)
        site.pass_time(-HOUR)
        assert claim(queue) is None
        site.pass_time(11)
        assert claimed(queue).attempt == 2

    def test_a_clock_set_back_does_not_hold_an_event_up(self, site: SqliteSite, queue: SqliteQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        queue.fail(claimed(queue).lease, FAILURE)
        [entry] = queue.outbox.claim(limit=1, lease_seconds=30)
        queue.outbox.failed(entry, delay=60, reason="503")
        site.pass_time(-HOUR)
        assert len(queue.outbox.claim(limit=1, lease_seconds=30)) == 1

    def test_a_time_that_a_step_made_negative_is_no_typical_time(
        self, site: SqliteSite, queue: SqliteQueue
    ) -> None:
        queue.push("sdxl_queue", payload(1))
        found = claimed(queue)
        site.pass_time(-HOUR)
        queue.complete(found.lease, result(found))
        assert queue.typical_seconds("sdxl_image_fast") is None


class TestFile:
    def test_many_may_open_a_new_file_at_once(self, site: SqliteSite) -> None:
        def push(number: int) -> None:
            with closing(site.open()) as queue:
                queue.push("sdxl_queue", payload(number))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(push, range(16)))
        with closing(site.open()) as queue:
            assert len(queue.jobs()) == 16

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        path = tmp_path / "data" / "deep" / "queue.sqlite3"
        SqliteQueue(path).close()
        assert path.exists()

    def test_a_folder_that_cannot_be_made_is_told_of(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file")
        with pytest.raises(QueueUnavailable, match="data"):
            SqliteQueue(tmp_path / "data" / "queue.sqlite3")

    def test_a_folder_in_the_files_place_is_told_of(self, tmp_path: Path) -> None:
        with pytest.raises(QueueUnavailable, match="cannot be opened"):
            SqliteQueue(tmp_path)

    def test_a_file_that_is_no_database_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "queue.sqlite3"
        path.write_bytes(b"notes\n" * 1000)
        with pytest.raises(QueueFileInvalid, match="damaged file"):
            SqliteQueue(path)
        assert path.read_bytes() == b"notes\n" * 1000

    def test_a_database_of_another_program_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "queue.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (text)")
        before = path.read_bytes()
        with pytest.raises(QueueFileInvalid, match="another program"):
            SqliteQueue(path)
        assert path.read_bytes() == before

    def test_a_queue_of_a_newer_version_is_refused(self, site: SqliteSite, raw: sqlite3.Connection) -> None:
        assert raw.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        with pytest.raises(
            QueueFileInvalid, match=f"version {SCHEMA_VERSION + 1}, expected {SCHEMA_VERSION}"
        ):
            site.open()

    def test_a_damaged_file_is_told_of(self, site: SqliteSite) -> None:
        with closing(site.open()) as queue:
            for number in range(50):
                queue.push("sdxl_queue", payload(number))
        data = bytearray(site.path.read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        site.path.write_bytes(data)
        with closing(site.open()) as queue, pytest.raises(QueueFileInvalid, match="damaged file"):
            claim(queue)


class TestTrouble:
    def test_a_full_disk_refuses_a_push_and_keeps_what_was_there(self, queue: SqliteQueue) -> None:
        queue.push("sdxl_queue", payload(1))
        connection_of(queue).execute("PRAGMA max_page_count = 1")
        large = envelope(2, metadata={"note": "x" * 100_000}).to_payload()
        with pytest.raises(QueueUnavailable, match="make room"):
            queue.push("sdxl_queue", large)
        assert queue.job(job_id(1)).state == "queued"
        connection_of(queue).execute("PRAGMA max_page_count = 1000000")
        queue.push("sdxl_queue", large)
        assert queue.job(job_id(2)).state == "queued"

    def test_a_queue_that_stays_locked_is_unavailable(
        self, queue: SqliteQueue, raw: sqlite3.Connection
    ) -> None:
        connection_of(queue).execute("PRAGMA busy_timeout = 1")
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(QueueUnavailable, match="locked by another process"):
            queue.push("sdxl_queue", payload(1))
        raw.execute("ROLLBACK")
        queue.push("sdxl_queue", payload(1))
        assert claimed(queue).lease.job_id == job_id(1)

    def test_readers_are_not_held_up_by_a_writer(self, queue: SqliteQueue, raw: sqlite3.Connection) -> None:
        queue.push("sdxl_queue", payload(1))
        connection_of(queue).execute("PRAGMA busy_timeout = 1")
        raw.execute("BEGIN IMMEDIATE")
        assert queue.job(job_id(1)).state == "queued"
        assert len(queue.depths()) == 1

    @pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
    def test_a_push_waits_for_the_disk_unless_told_otherwise(
        self, tmp_path: Path, synchronous: str, level: int
    ) -> None:
        path = tmp_path / "queue.sqlite3"
        queue = SqliteQueue(path) if synchronous == "full" else SqliteQueue(path, synchronous="normal")
        with closing(queue):
            queue.push("sdxl_queue", payload(1))
            assert connection_of(queue).execute("PRAGMA synchronous").fetchone()[0] == level
            assert connection_of(queue).execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            found = claimed(queue)
            assert connection_of(queue).execute("PRAGMA synchronous").fetchone()[0] == level
            queue.complete(found.lease, result(found))
            assert connection_of(queue).execute("PRAGMA synchronous").fetchone()[0] == level


class TestEffort:
    @pytest.mark.parametrize("only", [None, ["image_fast"]])
    def test_a_cycle_takes_as_many_steps_whatever_the_number_of_waiting_jobs(
        self, queue: SqliteQueue, only: list[str] | None
    ) -> None:
        kinds = ("image_fast", "image_high", "video_fast")
        pushed = 0
        effort = []
        for waiting in (30, 1500):
            while pushed < waiting:
                queue.push("wan_queue", payload(pushed, job_type=kinds[pushed % 3]))
                pushed += 1
            with steps(queue) as counted:
                assert queue.wait(["wan_queue"], timeout=0, only=only)
                found = claimed(queue, "wan_queue", only=only)
                queue.beat(found.lease, lease_seconds=30)
                queue.complete(found.lease, result(found))
                assert len(told(queue)) == 1
            effort.append(len(counted))
        assert effort[1] < effort[0] * 1.1

    def test_forgetting_takes_as_many_steps_whatever_the_number_of_younger_jobs(
        self, site: SqliteSite, queue: SqliteQueue
    ) -> None:
        effort = []
        for ended in (20, 400):
            while len(queue.jobs(limit=1000)) < ended:
                end_some(queue, kinds=("image_fast", "image_high"))
            with steps(queue) as counted:
                assert queue.trim(older_than=HOUR) == 0
            effort.append(len(counted))
            with steps(queue) as counted:
                assert queue.typical_seconds("video_fast") is None
            effort.append(len(counted))
        assert effort[2] <= effort[0]
        assert effort[3] <= effort[1]

    def test_a_part_is_forgotten_at_a_time(
        self, site: SqliteSite, queue: SqliteQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forgetting, "AT_A_TIME", 3)
        for _ in range(2):
            end_some(queue, kinds=("image_fast", "image_high"))
        site.pass_time(HOUR)
        assert [queue.trim(older_than=60) for _ in range(3)] == [3, 1, 0]


def end_some(queue: SqliteQueue, kinds: Sequence[str]) -> None:
    """Let one more job of each kind fail, and tell of it."""
    first = len(queue.jobs(limit=1000))
    for number, job_type in enumerate(kinds, start=first):
        queue.push("wan_queue", payload(number, job_type=job_type))
        queue.fail(claimed(queue, "wan_queue").lease, FAILURE)
    assert len(told(queue)) == len(kinds)


@contextmanager
def steps(queue: SqliteQueue) -> Iterator[list[None]]:
    """Collect one entry for every step of SQLite's virtual machine."""
    counted: list[None] = []
    connection_of(queue).set_progress_handler(lambda: counted.append(None), 1)
    yield counted
    connection_of(queue).set_progress_handler(None, 1)
