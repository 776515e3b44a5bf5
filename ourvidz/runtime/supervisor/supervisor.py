"""Keeps the workers of one machine running until it is told to stop."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from types import FrameType
from typing import Any

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.project import Project
from ourvidz.runtime.supervisor.control import Control
from ourvidz.runtime.supervisor.parent import need_linux
from ourvidz.runtime.supervisor.slot import Launch, Slot, Tell
from ourvidz.spec.settings import WorkerEntry

#: The plan's workers, where ``ourvidz.yaml`` names none.
DEFAULT_WORKERS = ("sdxl", "wan")

#: Seconds in which what workers say is let pile up, since to wake for every line costs more than to read it.
GATHER = 0.05

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class InterpreterMissing(NotReady):
    """A worker's own Python interpreter is not where ``ourvidz.yaml`` says."""

    code = "interpreter_missing"


class WorkersBroken(OurvidzError):
    """Every worker has ended so often that none is started any more."""

    code = "workers_broken"


class Supervisor:
    """Starts a process for every worker that ``ourvidz.yaml`` names, and starts it again when it ends.

    They end with this process, whatever ends it. Works in the main thread of its process alone.
    """

    def __init__(
        self, project: Project, *, place: Sequence[str], tell: Tell, grace: float | None = None
    ) -> None:
        """``place``: the project's place, as arguments of a command; ``grace``: instead of the settings'.

        Raises FamilyUnknown, InterpreterMissing, NotOnLinux.
        """
        need_linux()
        self._project, self._place, self._tell = project, place, tell
        self._chosen_grace = grace
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._started = time.monotonic()
        self.slots = {name: self._slot(name, launch) for name, launch in self._launches(project).items()}

    def run(self) -> None:
        """Work until stopped by SIGTERM or SIGINT, which let running jobs end; a second one hands them back.

        What still runs when the grace time is over is killed. Raises AlreadyUp, and WorkersBroken when no
        worker is left.
        """
        with self._selector, self._signals():
            control = Control(self._project.root, self._selector, self._answer)
            try:
                while any(slot.state not in ("stopped", "broken") for slot in self.slots.values()):
                    self._turn()
            finally:
                for slot in self.slots.values():
                    slot.kill()
                control.close()
        if not self._is_stopping:
            raise WorkersBroken(
                f"{', '.join(self.slots)}: found no worker that keeps running; what each said last is above. "
                "Mend it, try it with ourvidz run-worker --plugin NAME, and run ourvidz up again"
            )

    def reload(self) -> None:
        """Go by the settings as they are now: every worker is started anew once its running job has ended.

        One that was added is started, one that is gone is stopped. Raises what opening the project and
        starting a supervisor raise; then everything stays as it is.
        """
        project = Project.open(**self._project.arguments)
        launches = self._launches(project)
        self._project = project
        for name, launch in launches.items():
            if name in self.slots:
                self.slots[name].renew(launch)
            else:
                self.slots[name] = self._slot(name, launch)
        for name, slot in self.slots.items():
            if name not in launches and slot.state != "stopping":
                slot.stop(grace=self._grace)

    @property
    def project(self) -> Project:
        """As it was read last."""
        return self._project

    def status(self) -> dict[str, Any]:
        """What ``ourvidz ps --json`` prints; from any thread."""
        return {
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - self._started, 1),
            "workers": [asdict(slot.status()) for slot in list(self.slots.values())],
        }

    def stop(self) -> None:
        """Ask all workers to end."""
        self._is_stopping = True
        for slot in self.slots.values():
            slot.stop(grace=self._grace)

    @property
    def _grace(self) -> float:
        return self._project.settings.up.grace if self._chosen_grace is None else self._chosen_grace

    def _slot(self, name: str, launch: Launch) -> Slot:
        return Slot(name, launch, selector=self._selector, tell=self._heard)

    def _launches(self, project: Project) -> dict[str, Launch]:
        """How each worker is started, by the name of its family."""
        named = project.settings.workers or {name: WorkerEntry() for name in DEFAULT_WORKERS}
        return {
            project.family(name).name: Launch(
                command=_command(project, name, worker, self._place),
                env=os.environ | worker.env,
                entry=project.settings.up,
                timeout=self._timeout,
            )
            for name, worker in named.items()
        }

    def _timeout(self, job_type: str) -> float | None:
        """Of a job type that nobody here knows, the worker's own lease is all that watches it."""
        known = self._project.catalog.job_types.get(job_type)
        return None if known is None else known.timeout_seconds

    def _heard(self, event: str, worker: str, **values: Any) -> None:
        if event == "specs_changed" and values["error"] is None:
            # What a worker could read can be wrong again by now.
            with suppress(OurvidzError):
                self._project = self._project.reread()
        self._tell(event, worker, **values)

    def _answer(self, command: str) -> dict[str, Any]:
        if command == "ps":
            return self.status()
        if command != "reload":
            return {
                "error": {"code": "command_unknown", "message": f"found {command!r}, expected ps or reload"}
            }
        try:
            if not self._is_stopping:
                self.reload()
        except OurvidzError as error:
            return {"error": {"code": error.code, "message": str(error)}}
        return {"workers": list(self.slots)}

    def _turn(self) -> None:
        now = time.monotonic()
        for slot in self.slots.values():
            slot.tick(now)
        dues = [slot.due for slot in self.slots.values() if slot.due is not None]
        ready = self._selector.select(max(0.0, min(dues) - time.monotonic()) if dues else None)
        time.sleep(GATHER)
        for key, _ in ready:
            # One of them may have closed another one.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take the signals in the selector, between two turns."""
        ours, pythons = socket.socketpair()
        ours.setblocking(False)
        pythons.setblocking(False)

        def take() -> None:
            # Several at once count as several.
            for _ in ours.recv(64):
                self.stop()

        def handle(number: int, frame: FrameType | None) -> None:
            """Python writes to the socket, which is all."""

        before = {number: signal.signal(number, handle) for number in _SIGNALS}
        fd_before = signal.set_wakeup_fd(pythons.fileno())
        self._selector.register(ours, selectors.EVENT_READ, take)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            ours.close()
            pythons.close()


def _command(project: Project, name: str, worker: WorkerEntry, place: Sequence[str]) -> list[str]:
    program = sys.executable
    if worker.python is not None:
        # Not resolved: the link in a virtual environment is what makes it one.
        program = str(project.root / worker.python)
        if shutil.which(program) is None:
            raise InterpreterMissing(
                f"{project.settings_path}: workers.{name}.python: found no program at {program}, expected a "
                "Python interpreter with ourvidz, such as that of a virtual environment: envs/wan/bin/python"
            )
    parent = ("--with-parent", str(os.getpid()))
    return [program, "-P", "-m", "ourvidz", "run-worker", "--plugin", name, "--json", *parent, *place]
