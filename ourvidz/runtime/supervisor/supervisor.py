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
from contextlib import contextmanager
from types import FrameType

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.project import Project
from ourvidz.runtime.supervisor.parent import need_linux
from ourvidz.runtime.supervisor.slot import Slot, Tell
from ourvidz.spec.settings import WorkerEntry

#: The plan's workers, where ``ourvidz.yaml`` names none.
DEFAULT_WORKERS = ("sdxl", "wan")

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
        entry = project.settings.up
        self._grace = entry.grace if grace is None else grace
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        named = project.settings.workers or {name: WorkerEntry() for name in DEFAULT_WORKERS}
        self.slots = [
            Slot(
                project.family(name).name,
                _command(project, name, worker, place),
                env=os.environ | worker.env,
                entry=entry,
                selector=self._selector,
                tell=tell,
            )
            for name, worker in named.items()
        ]

    def run(self) -> None:
        """Work until stopped by SIGTERM or SIGINT, which let running jobs end; a second one hands them back.

        What still runs when the grace time is over is killed. Raises WorkersBroken when no worker is left.
        """
        with self._signals(), self._selector:
            try:
                while any(slot.state not in ("stopped", "broken") for slot in self.slots):
                    self._turn()
            finally:
                for slot in self.slots:
                    slot.kill()
        if not self._is_stopping:
            names = ", ".join(slot.name for slot in self.slots)
            raise WorkersBroken(
                f"{names}: found no worker that keeps running; what each said last is above. Mend it, try it "
                "with ourvidz run-worker --plugin NAME, and run ourvidz up again"
            )

    def stop(self) -> None:
        """Ask all workers to end."""
        self._is_stopping = True
        for slot in self.slots:
            slot.stop(grace=self._grace)

    def _turn(self) -> None:
        now = time.monotonic()
        for slot in self.slots:
            slot.tick(now)
        dues = [slot.due for slot in self.slots if slot.due is not None]
        for key, _ in self._selector.select(max(0.0, min(dues) - time.monotonic()) if dues else None):
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
