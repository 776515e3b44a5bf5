"""Commands as processes: pipes that close, Ctrl-C, full disks, terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ourvidz.runtime.client import Client
from tests.site import Site, until

#: How a progress line is taken away before the next one is drawn.
ERASE = "\r\x1b[2K"

WORKER = ("run-worker", "--plugin", "placeholder")


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client.open(site.project()) as client:
        yield client


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Whoever started the tests in the background let them ignore Ctrl-C, and processes inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Terminal:
    """The other side of a terminal."""

    def __init__(self, master: int) -> None:
        self._master = master

    def drawn(self) -> list[str]:
        """Every line that stood there, once all who write have ended."""
        text = b""
        while True:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # how Linux says that nobody writes any more
                return text.decode().split(ERASE)
            text += chunk


@contextmanager
def terminal(columns: int = 100) -> Iterator[tuple[Terminal, int]]:
    """A terminal and the end that a process writes to; that one is closed once the process has it."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    try:
        yield Terminal(master), slave
    finally:
        os.close(master)


class TestClosedPipes:
    def test_a_reader_who_has_seen_enough_is_no_error(self, site: Site) -> None:
        process = site.start("jobtypes", "schema", stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate()
        assert (process.returncode, errors) == (1, "")

    @pytest.mark.parametrize(("options", "last_read"), [((), "loaded"), (("--json",), "job_started")])
    def test_a_worker_whom_nobody_reads_finishes_its_job_and_stops(
        self, site: Site, client: Client, options: tuple[str, ...], last_read: str
    ) -> None:
        first, second = (client.submit("placeholder_fast", prompt="a barn") for _ in range(2))
        worker = site.start(*WORKER, *options, stderr=subprocess.PIPE)
        assert worker.stdout is not None
        assert any(last_read in line for line in iter(worker.stdout.readline, ""))
        worker.stdout.close()
        worker.stdout = None
        _, errors = worker.communicate()
        assert worker.returncode == 0
        assert "standard output: Broken pipe; the worker stops after the running job" in errors
        assert (client.status(first).status, client.status(second).status) == ("completed", "queued")

    def test_a_full_disk_is_told(self, site: Site) -> None:
        with open("/dev/full", "w") as full:
            process = site.start("validate", stdout=full.fileno(), stderr=subprocess.PIPE)
            _, errors = process.communicate()
        assert process.returncode == 3
        assert errors.startswith("error: [Errno 28] No space left on device")


@pytest.mark.usefixtures("_interruptible")
class TestCtrlC:
    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_whoever_stops_waiting_still_knows_the_job_which_goes_on(
        self, site: Site, client: Client, options: tuple[str, ...]
    ) -> None:
        waiting = site.start(
            "submit", "placeholder_fast", "--prompt", "a barn", "--wait", *options, stderr=subprocess.PIPE
        )
        until(lambda: bool(client.jobs()))
        (job,) = client.jobs()
        if not options:
            assert waiting.stdout is not None
            assert waiting.stdout.readline() == f"job           {job.job_id}\n"
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate()
        assert waiting.returncode == 130
        if options:
            errors = json.loads(errors)["error"]["message"]
        assert f"no longer waiting for {job.job_id}, which goes on" in errors
        assert client.status(job.job_id).status == "queued"

    def test_a_worker_says_that_it_finishes_its_job_first(self, site: Site, client: Client) -> None:
        job_id = client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.3})
        worker = site.start(*WORKER, stderr=subprocess.PIPE)
        until(lambda: client.status(job_id).progress is not None)
        worker.send_signal(signal.SIGINT)
        printed, errors = worker.communicate()
        assert worker.returncode == 0
        assert "stopping after the running job; a second signal hands it back at once" in errors
        assert f"{job_id}  placeholder_fast  completed in " in printed


class TestWaiting:
    def test_a_completed_job_is_one_object(self, site: Site) -> None:
        site.worker(heard=False)
        run = site.ourvidz("submit", "placeholder_fast", "--prompt", "a barn", "--wait", "--json")
        assert (run.returncode, run.stderr) == (0, "")
        assert json.loads(run.stdout)["status"] == "completed"

    def test_a_job_that_does_not_complete_is_exit_status_1(self, site: Site, client: Client) -> None:
        waiting = site.start("submit", "placeholder_fast", "--prompt", "a barn", "--wait", "--json")
        until(lambda: bool(client.jobs()))
        client.queue.cancel(client.jobs()[0].job_id)
        printed, _ = waiting.communicate()
        assert (waiting.returncode, json.loads(printed)["status"]) == (1, "cancelled")


class TestWorker:
    def test_a_burst_without_jobs_says_so(self, site: Site) -> None:
        run = site.ourvidz(*WORKER, "--burst")
        assert run.stdout.endswith("\nno job waits\n")

    def test_a_family_without_job_types_is_told(self, site: Site) -> None:
        run = site.ourvidz("run-worker", "--plugin", "sdxl", "--once")
        assert run.returncode == 0
        assert "no job type has sdxl as its worker; one that is added is served" in run.stderr

    def test_machines_get_one_event_a_line(self, site: Site, client: Client) -> None:
        job_id = client.submit("placeholder_fast", prompt="a barn")
        run = site.ourvidz(*WORKER, "--burst", "--json")
        events = [json.loads(line) for line in run.stdout.splitlines()]
        assert [one["event"] for one in events if one["event"] != "step"] == [
            "model_loading",
            "model_loaded",
            "ready",
            "job_started",
            "job_completed",
            "job_told",
            "stopped",
        ]
        assert {one.get("jobId", job_id) for one in events} == {job_id}


class TestProgress:
    def test_a_worker_draws_its_steps_on_a_terminal_and_cleans_up(self, site: Site, client: Client) -> None:
        job_id = client.submit("placeholder_fast", prompt="a barn")
        with terminal() as (screen, slave):
            worker = site.start(*WORKER, "--burst", stderr=slave)
            os.close(slave)
            printed, _ = worker.communicate()
            drawn = screen.drawn()
        assert drawn[:2] == ["", "loading placeholder"]
        paints = [line for line in drawn if "paint" in line]
        assert paints[0] == f"{job_id[:8]}  paint  {'█' * 6}{'░' * 18}  1/4"
        assert paints[-1].startswith(f"{job_id[:8]}  paint  {'█' * 24}  4/4")
        assert drawn[-1] == ""
        assert ERASE not in printed

    def test_whoever_waits_sees_the_place_in_the_queue_and_the_steps(
        self, site: Site, client: Client
    ) -> None:
        client.submit("placeholder_fast", prompt="a barn")
        with terminal() as (screen, slave):
            arguments = ("--prompt", "a barn", "--set", "step_time=0.3", "--wait")
            waiting = site.start("submit", "placeholder_fast", *arguments, stderr=slave)
            os.close(slave)
            until(lambda: len(client.jobs()) == 2)
            site.worker(heard=False)
            printed, _ = waiting.communicate()
            drawn = screen.drawn()
        assert drawn[1].startswith("waiting, number 2 in the queue, done in about 2 s")
        assert any(line.startswith("paint  ") and "/4" in line for line in drawn)
        assert drawn[-1] == ""
        assert ERASE not in printed

    def test_a_line_never_wraps(self, site: Site, client: Client) -> None:
        client.submit("placeholder_fast", prompt="a barn")
        with terminal(columns=20) as (screen, slave):
            worker = site.start(*WORKER, "--burst", stderr=slave)
            os.close(slave)
            worker.communicate()
            drawn = screen.drawn()
        assert max(map(len, drawn)) == 19

    def test_a_pipe_gets_none(self, site: Site, client: Client) -> None:
        client.submit("placeholder_fast", prompt="a barn")
        run = site.ourvidz(*WORKER, "--burst")
        assert run.stderr == ""
        assert "\r" not in run.stdout

    def test_a_terminal_that_cannot_go_back_gets_none(
        self, site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "dumb")
        client.submit("placeholder_fast", prompt="a barn")
        with terminal() as (screen, slave):
            worker = site.start(*WORKER, "--burst", stderr=slave)
            os.close(slave)
            worker.communicate()
            assert screen.drawn() == [""]
