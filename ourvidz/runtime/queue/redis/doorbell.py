"""Waiting without polling: a blocked command on each producer's list, which wakes when something arrives.

``BLMOVE q q RIGHT RIGHT`` moves the last item to where it is: it changes no order, wakes every
worker that waits, and takes nothing out. So it is never the claim.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ourvidz.runtime.queue.redis.connection import Connection

#: Seconds that a command blocks on the server, and how much longer its reply may take.
BLOCK = 25.0
GRACE = 10.0


class Doorbell:
    """One connection and one thread for each list that somebody waits for."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._rung = threading.Event()
        self._listeners: dict[str, _Listener] = {}

    def arm(self, lists: Iterable[str]) -> None:
        """Listen on these lists, from now on. What has rung before is forgotten."""
        self._rung.clear()
        for name in lists:
            if name not in self._listeners:
                self._listeners[name] = _Listener(name, self._connect(), self._rung)
            self._listeners[name].arm()

    def wait(self, seconds: float) -> bool:
        """Whether it rang within so many seconds. Raises what stopped a listener."""
        rang = self._rung.wait(seconds)
        for listener in self._listeners.values():
            listener.check()
        return rang

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()


class _Listener:
    """Blocks once each time that it is armed, and then rests."""

    def __init__(self, name: str, connection: Connection, rung: threading.Event) -> None:
        self._name = name
        self._connection = connection
        self._rung = rung
        self._armed = threading.Event()
        self._blocked = False
        self._closed = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._listen, name=f"doorbell {name}", daemon=True)
        self._thread.start()

    def arm(self) -> None:
        if not self._blocked:
            self._armed.set()

    def check(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        self._closed = True
        self._armed.set()
        self._connection.close()
        # Daemon that it is, it may also be in the middle of connecting.
        self._thread.join(timeout=1.0)

    def _listen(self) -> None:
        name = self._name
        while self._armed.wait() and not self._closed:
            self._blocked = True
            self._armed.clear()
            try:
                self._connection.command(
                    "BLMOVE", name, name, "RIGHT", "RIGHT", f"{BLOCK:g}", timeout=BLOCK + GRACE
                )
            except Exception as error:  # noqa: BLE001  raised by check, in the thread that waits
                # Whoever closes takes the connection away in mid-command: that error means nothing.
                self._error = None if self._closed else error
            # In this order: whoever finds it blocked, and so does not arm it, hears the ring after that.
            self._blocked = False
            self._rung.set()
