"""How full the queues are, looked at beside everything else, since a server may let one wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ourvidz.errors import OurvidzError
from ourvidz.project import Project
from ourvidz.runtime.client import Client

#: Seconds between two looks; some servers are paid by the command.
INTERVAL = 10.0


class DepthsWatch:
    """Looks now and then, in a thread of its own, and says in words what it has seen last."""

    def __init__(self, project: Callable[[], Project]) -> None:
        self.words = "queues not yet looked at"
        self._project = project
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="queue depths")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop looking. A look that a server lets wait is not waited for."""
        self._ended.set()

    def _watch(self) -> None:
        while True:
            try:
                with Client.open(self._project()) as client:
                    depths = client.depths()
                self.words = ", ".join(
                    f"{one.queue} {sum(one.waiting.values())} waiting {one.processing} processing"
                    for one in depths
                )
            except OurvidzError as error:
                self.words = str(error)
            if self._ended.wait(INTERVAL):
                return
