"""Keeps leases alive from a process of its own, which a busy GPU call cannot starve.

The worker speaks to the process in JSON lines on its standard input: ``hold`` a lease, a ``step`` of
it was done, ``drop`` it. The process answers on its standard output: a job is to be cancelled, or its
lease is lost. It ends when its input ends, so it never outlives the worker; and it stops renewing the
lease of a job that has shown no progress for its timeout, so that a hung worker loses the job.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from io import BufferedReader, FileIO
from typing import IO, Any, Literal

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import Lease, LeaseLost, Queue, QueueUnavailable
from ourvidz.project import Project
from ourvidz.runtime.backends import open_queue

#: Why a job must stop: its user said so; another worker has it; it showed no progress for too long.
Interruption = Literal["cancel", "lost", "timeout"]

#: How long the process gathers news before it reads them, in seconds: whoever writes need not wake it.
GATHER = 0.05

#: How often a held job's cancellation is looked up when no step says so, in seconds.
LOOK_INTERVAL = 1.0


class HeartbeatDied(NotReady):
    """The heartbeat process could not be started or has ended; without it no lease would last."""

    code = "heartbeat_died"
    retryable = True


class Heartbeat:
    """The worker's end: starts the process, tells it what is held, and hears what must stop."""

    def __init__(self, project: Project, *, lease_seconds: float) -> None:
        self._interruptions: dict[Lease, Interruption] = {}
        self._ready = threading.Event()
        self._is_up = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ourvidz.runtime.heartbeat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True, name="heartbeat")
        self._listener.start()
        self._send({"project": project.arguments, "lease_seconds": lease_seconds})
        self._ready.wait()
        if not self._is_up:
            self.close()
            raise HeartbeatDied("the heartbeat process did not start; its message is above")

    def hold(self, lease: Lease, *, timeout: float) -> None:
        """Renew this lease until it is dropped or shows no step for ``timeout`` seconds."""
        self._send({"hold": lease.job_id, "token": lease.token, "timeout": timeout})

    def step(self, lease: Lease, progress: Progress) -> Interruption | None:
        """Pass a sign of progress on; returns why the job must stop, if it must."""
        self._send({"step": lease.job_id, "progress": progress.model_dump()})
        return self._interruptions.get(lease)

    def drop(self, lease: Lease) -> None:
        """Stop renewing: the job has ended or was handed back."""
        self._send({"drop": lease.job_id})
        self._interruptions.pop(lease, None)

    def close(self) -> None:
        """End the process; leases that it held run out."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._listener.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise HeartbeatDied(
                "the heartbeat process has ended and no lease can be kept; its message is above"
            ) from None

    def _listen(self) -> None:
        """Hear until the process ends; then whoever waits for its first word must wake up."""
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                message = json.loads(line)
                if "ready" in message:
                    self._is_up = True
                    self._ready.set()
                else:
                    lease = Lease(job_id=message["job_id"], token=message["token"])
                    self._interruptions[lease] = message["why"]
        finally:
            self._ready.set()


@dataclass(slots=True)
class _Held:
    """One lease in the process's care. Times are of the monotonic clock."""

    lease: Lease
    timeout: float
    renewed: float
    sign: float
    progress: Progress | None = None
    news: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Keeper:
    """The process's end: renews, and reports what must stop."""

    queue: Queue
    lease_seconds: float
    out: IO[str]
    held: dict[str, _Held] = field(default_factory=dict)

    def hear(self, message: dict[str, Any], now: float) -> None:
        if "hold" in message:
            lease = Lease(job_id=message["hold"], token=message["token"])
            before = self.held.get(lease.job_id)
            renewed = before.renewed if before is not None and before.lease == lease else now
            self.held[lease.job_id] = _Held(lease, message["timeout"], renewed=renewed, sign=now)
        elif "drop" in message:
            self.held.pop(message["drop"], None)
        elif held := self.held.get(message["step"]):
            held.progress = Progress.model_validate(message["progress"])
            held.sign, held.news = now, True

    def keep(self, now: float) -> None:
        """Renew what has news or is due."""
        for held in list(self.held.values()):
            if held.ended:
                continue
            if now - held.sign > held.timeout:
                self._end(held, "timeout")
            elif held.news or now - held.renewed >= min(LOOK_INTERVAL, self.lease_seconds / 4):
                self._beat(held, now)

    def _beat(self, held: _Held, now: float) -> None:
        try:
            beat = self.queue.beat(held.lease, lease_seconds=self.lease_seconds, progress=held.progress)
        except LeaseLost:
            self._end(held, "lost")
        except QueueUnavailable as error:
            # The lease goes on running out; the next beat comes soon enough if the queue comes back.
            sys.stderr.write(f"heartbeat: {error}\n")
            held.renewed = now
        else:
            held.renewed, held.news = now, False
            if beat == "cancel":
                self._say(held, "cancel")

    def _end(self, held: _Held, why: Interruption) -> None:
        held.ended = True
        self._say(held, why)

    def _say(self, held: _Held, why: Interruption) -> None:
        self.out.write(json.dumps(asdict(held.lease) | {"why": why}) + "\n")
        self.out.flush()


def _serve(source: BufferedReader, out: IO[str]) -> None:
    """Run until ``source`` ends. What has piled up is read first, so only the newest step is told."""
    place = json.loads(source.readline())
    project = Project.open(**place["project"])
    queue = open_queue(project)
    keeper = _Keeper(queue, place["lease_seconds"], out)
    out.write('{"ready": true}\n')
    out.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        rest = b""
        while True:
            if selector.select(timeout=LOOK_INTERVAL / 2):
                chunk = source.read1(65536)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    keeper.hear(json.loads(line), time.monotonic())
            keeper.keep(time.monotonic())
            time.sleep(GATHER)
    queue.close()


if __name__ == "__main__":
    # Whoever stops a whole process group means the worker, which needs its leases until it is done.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    # Only answers may reach the worker: whatever a plugin prints goes where errors go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        _serve(BufferedReader(FileIO(sys.stdin.fileno(), closefd=False)), answers)
    except BrokenPipeError:
        # The worker has died and nobody is left to tell; not even the interpreter's last flush.
        os._exit(0)
    except OurvidzError as error:
        sys.stderr.write(f"heartbeat: {error}\n")
        os._exit(error.exit_status)
