"""The place of one worker: its process, what becomes of it, and when the next one is started."""

from __future__ import annotations

import json
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.supervisor.activity import Activity, CurrentJob, Doing
from ourvidz.runtime.supervisor.child import Child, Stream
from ourvidz.spec.settings import UpEntry

#: ``hung``: it has said nothing for too long, and is being ended; ``waiting``: it has ended, and is started
#: again in a while; ``broken``: it has ended so often that it is not; ``stopping``: it was asked to end for
#: good.
State = Doing | Literal["hung", "waiting", "broken", "stopping", "stopped"]

#: What a worker tells so often that it is shown, and not kept in a log.
_FREQUENT = {"step"}


class Tell(Protocol):
    """Receives everything that happens, for a log."""

    def __call__(self, event: str, worker: str, **values: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a worker's process is started and looked after."""

    command: Sequence[str]
    env: Mapping[str, str]
    entry: UpEntry
    timeout: Callable[[str], float | None]
    """Seconds between two signs of progress of a job type, by its id; None: it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """What can be said about a worker now."""

    worker: str
    state: State
    pid: int | None
    seconds: float | None
    """How long its process has been running."""
    restarts: int
    completed: int
    """Jobs that it has made, all its processes together."""
    job: CurrentJob | None
    last: str
    """What it has printed last beside its events, which in trouble is why."""


class Slot:
    """One worker, by the name of its family. Nothing here blocks; times are of the monotonic clock."""

    def __init__(self, name: str, launch: Launch, *, selector: selectors.BaseSelector, tell: Tell) -> None:
        self.name = name
        self.restarts = 0
        self.completed = 0
        self._launch, self._next_launch = launch, launch
        self._selector, self._tell = selector, tell
        self._child: Child | None = None
        self._activity = self._new_activity()
        self._away: Literal["waiting", "broken", "stopped"] = "waiting"
        self._is_stopping = False
        self._is_renewing = False
        self._asked = 0
        self._started = 0.0
        self._due: float | None = 0.0
        self._ends: deque[float] = deque()
        self._last_word = ""

    @property
    def state(self) -> State:
        if self._child is None:
            return self._away
        if self._is_stopping:
            return "stopping"
        return "hung" if self._asked else self._activity.doing

    @property
    def due(self) -> float | None:
        """When :meth:`tick` has something to do; None: not before something else happens."""
        return self._due

    def status(self) -> WorkerStatus:
        child = self._child
        return WorkerStatus(
            worker=self.name,
            state=self.state,
            pid=None if child is None else child.pid,
            seconds=None if child is None else round(time.monotonic() - self._started, 1),
            restarts=self.restarts,
            completed=self.completed,
            job=None if child is None else self._activity.job,
            last=self._last_word,
        )

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._due is None or now < self._due:
            return
        self._due = None
        if self._child is None:
            self._start(now)
        elif self._is_stopping:
            self._kill("its grace time is over")
        else:
            self._press(self._child, now)

    def stop(self, *, grace: float) -> None:
        """Let it finish its job and end, for ``grace`` seconds; said again, hand the job back at once."""
        if self._child is None:
            self._away, self._due = "stopped", None
            return
        if not self._is_stopping:
            self._is_stopping, self._due = True, time.monotonic() + grace
        self._child.ask()

    def renew(self, launch: Launch) -> None:
        """Let it finish its job, and start it anew in this way; one that is broken is tried again."""
        self._next_launch = launch
        if self._child is None:
            self._ends.clear()
            self._away, self._due = "waiting", 0.0
        elif self._is_stopping:
            # It was asked to end already.
            self._is_stopping, self._is_renewing = False, True
            self._due = self._silence_ends(time.monotonic())
        elif not self._is_renewing:
            self._is_renewing = True
            self._child.ask()

    def kill(self) -> None:
        """End its process at once."""
        if self._child is not None:
            self._child.kill()

    def _new_activity(self) -> Activity:
        return Activity(loading=self._launch.entry.loading, timeout=self._launch.timeout)

    def _start(self, now: float) -> None:
        self._launch = self._next_launch
        self._started, self._last_word, self._asked, self._is_renewing = now, "", 0, False
        self._activity = self._new_activity()
        try:
            self._child = Child(
                self._launch.command,
                env=self._launch.env,
                selector=self._selector,
                heard=self._heard,
                ended=self._ended,
            )
        except OSError as error:
            self._last_word = f"{self._launch.command[0]}: {error.strerror}"
            self._tell("log", self.name, line=self._last_word)
            self._count_end(now)
            return
        self._due = self._silence_ends(now)
        self._tell("worker_started", self.name, pid=self._child.pid)

    def _press(self, child: Child, now: float) -> None:
        """End a process that says nothing: ask it, tell it to hand its job back, kill it."""
        self._asked += 1
        if self._asked == 1:
            job = self._activity.job
            self._tell(
                "worker_hangs",
                self.name,
                pid=child.pid,
                doing=self._activity.doing,
                seconds=self._activity.limit,
                jobId=job and job.id,
            )
        if self._asked <= 2:
            child.ask()
            self._due = now + self._launch.entry.patience
        else:
            self._kill("it hangs")

    def _kill(self, why: str) -> None:
        assert self._child is not None
        self._tell("worker_killed", self.name, pid=self._child.pid, why=why)
        self._child.kill()

    def _silence_ends(self, now: float) -> float | None:
        limit = self._activity.limit
        return None if limit is None else now + limit

    def _heard(self, stream: Stream, line: str) -> None:
        try:
            kind, values = _event(line if stream == "stdout" else "")
            self._activity.hear(kind, values)
        except (ValueError, KeyError):
            # Anything else that somebody has printed.
            self._last_word = line
            self._tell("log", self.name, line=line)
            return
        self.completed += kind == "job_completed"
        if not self._is_stopping:
            # It goes on; if it was asked to end, it does so after its job.
            self._asked, self._due = 0, self._silence_ends(time.monotonic())
        if kind not in _FREQUENT:
            self._tell(kind, self.name, **values)

    def _ended(self, status: int) -> None:
        assert self._child is not None
        now, pid = time.monotonic(), self._child.pid
        self._child = None
        how = {"signal": signal.Signals(-status).name} if status < 0 else {"status": status}
        self._tell("worker_ended", self.name, pid=pid, seconds=round(now - self._started, 3), **how)
        if self._is_stopping:
            self._away, self._due = "stopped", None
        elif self._is_renewing:
            self._ends.clear()
            self._away, self._due = "waiting", now
        else:
            self._count_end(now)

    def _count_end(self, now: float) -> None:
        """Decide when it is started again, or that it is not."""
        entry = self._next_launch.entry
        self._ends.append(now)
        while now - self._ends[0] > entry.window:
            self._ends.popleft()
        if len(self._ends) >= entry.ends:
            self._away, self._due = "broken", None
            self._tell("worker_broken", self.name, ends=len(self._ends), last=self._last_word)
            return
        wait = back_off(len(self._ends), first=entry.first_wait, longest=entry.longest_wait)
        self._away, self._due = "waiting", now + wait
        self.restarts += 1
        self._tell("worker_waits", self.name, seconds=round(wait, 3))


def _event(line: str) -> tuple[str, dict[str, Any]]:
    """What a worker says happened. Raises ValueError for anything else."""
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise ValueError(line)
    # What a log says of every event.
    return event["event"], {
        name: one for name, one in event.items() if name not in ("event", "worker", "time")
    }
