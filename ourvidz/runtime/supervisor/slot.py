"""The place of one worker: its process, what that tells, and when the next one is started."""

from __future__ import annotations

import json
import selectors
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.supervisor.child import Child, Stream
from ourvidz.spec.settings import UpEntry

#: ``starting``: until its first word; ``waiting``: it has ended, and is started again in a while; ``broken``:
#: it has ended so often that it is not; ``stopping``: it was asked to end; ``stopped``: it was, and has.
State = Literal["starting", "loading", "ready", "working", "waiting", "broken", "stopping", "stopped"]

#: What a worker tells so often that it is shown, and not kept in a log.
_FREQUENT = {"step"}

_AFTER: dict[str, State] = {
    "model_loading": "loading",
    "ready": "ready",
    "idle": "ready",
    "job_started": "working",
    "job_completed": "ready",
    "job_ended": "ready",
}


class Tell(Protocol):
    """Receives everything that happens, for a log."""

    def __call__(self, event: str, worker: str, **values: Any) -> None: ...


class Slot:
    """One worker, by the name of its family. Nothing here blocks; times are of the monotonic clock."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        entry: UpEntry,
        selector: selectors.BaseSelector,
        tell: Tell,
    ) -> None:
        self.name = name
        self.state: State = "waiting"
        self.restarts = 0
        self._command, self._env, self._entry = command, env, entry
        self._selector, self._tell = selector, tell
        self._child: Child | None = None
        self._started = 0.0
        self._due: float | None = 0.0
        self._ends: deque[float] = deque()
        self._last_word = ""

    @property
    def due(self) -> float | None:
        """When :meth:`tick` has something to do; None: not before something else happens."""
        return self._due

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._due is None or now < self._due:
            return
        if self.state == "waiting":
            self._due = None
            self._start(now)
        elif self.state == "stopping" and self._child is not None:
            self._due = None
            self._tell("worker_killed", self.name, pid=self._child.pid, why="its grace time is over")
            self._child.kill()

    def stop(self, *, grace: float) -> None:
        """Let it finish its job and end, for ``grace`` seconds; said again, hand the job back at once."""
        if self._child is None:
            self.state, self._due = "stopped", None
            return
        if self.state != "stopping":
            self.state, self._due = "stopping", time.monotonic() + grace
        self._child.ask()

    def kill(self) -> None:
        """End its process at once."""
        if self._child is not None:
            self._child.kill()

    def _start(self, now: float) -> None:
        self._started, self._last_word = now, ""
        try:
            self._child = Child(
                self._command,
                env=self._env,
                selector=self._selector,
                heard=self._heard,
                ended=self._ended,
            )
        except OSError as error:
            self._last_word = f"{self._command[0]}: {error.strerror}"
            self._tell("log", self.name, line=self._last_word)
            self._count_end(now)
            return
        self.state = "starting"
        self._tell("worker_started", self.name, pid=self._child.pid)

    def _heard(self, stream: Stream, line: str) -> None:
        event = _event(line) if stream == "stdout" else None
        if event is None:
            self._last_word = line
            self._tell("log", self.name, line=line)
            return
        kind = event.pop("event")
        if self.state != "stopping":
            self.state = _AFTER.get(kind, self.state)
        if kind not in _FREQUENT:
            self._tell(kind, self.name, **event)

    def _ended(self, status: int) -> None:
        assert self._child is not None
        now, pid = time.monotonic(), self._child.pid
        self._child = None
        how = {"signal": signal.Signals(-status).name} if status < 0 else {"status": status}
        self._tell("worker_ended", self.name, pid=pid, seconds=round(now - self._started, 3), **how)
        if self.state == "stopping":
            self.state, self._due = "stopped", None
        else:
            self._count_end(now)

    def _count_end(self, now: float) -> None:
        """Decide when it is started again, or that it is not."""
        self._ends.append(now)
        while now - self._ends[0] > self._entry.window:
            self._ends.popleft()
        if len(self._ends) >= self._entry.ends:
            self.state = "broken"
            self._tell("worker_broken", self.name, ends=len(self._ends), last=self._last_word)
            return
        wait = back_off(len(self._ends), first=self._entry.first_wait, longest=self._entry.longest_wait)
        self.state, self._due = "waiting", now + wait
        self.restarts += 1
        self._tell("worker_waits", self.name, seconds=round(wait, 3))


def _event(line: str) -> dict[str, Any] | None:
    """What a worker says happened; None for what anything else has printed."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("event"), str)
    return event if is_event else None
