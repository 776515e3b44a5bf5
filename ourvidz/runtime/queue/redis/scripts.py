"""Runs the scripts of :mod:`ourvidz.jobs.redis.scripts` over a connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.jobs.redis.scripts import KEYS, keys, script_of
from ourvidz.runtime.queue.redis.connection import CommandRefused, Connection


class Scripts:
    """Runs scripts on the keys of one deployment."""

    def __init__(self, connection: Connection, namespace: str, offset: Callable[[], float]) -> None:
        self.connection = connection
        self._keys = keys(namespace)
        self._offset = offset

    def key(self, name: str) -> str:
        """One of the deployment's keys, for a plain command."""
        return self._keys[KEYS.index(name)]

    def run(
        self, name: str, ask: Mapping[str, Any], lists: Sequence[str] = (), *, repeatable: bool = True
    ) -> list[bytes]:
        """Run a script; every value asked is a text, a list or an object of texts, or None: not asked.

        A repeatable one is sent once more where no reply came: it changes nothing the second time.
        Raises QueueUnavailable, CommandRefused.
        """
        given = {key: value for key, value in ask.items() if value is not None}
        named = [*self._keys, *lists]
        arguments = [str(len(named)), *named, f"{self._offset():.6f}", json.dumps(given)]
        try:
            return self._run(name, arguments)
        except QueueUnavailable:
            if not repeatable:
                raise
            return self._run(name, arguments)

    def _run(self, name: str, arguments: Sequence[str]) -> list[bytes]:
        sent = script_of(name)
        try:
            reply = self.connection.command("EVALSHA", sent.digest, *arguments)
        except CommandRefused as error:
            if not error.answer.startswith("NOSCRIPT"):
                raise
            reply = self.connection.command("EVAL", sent.text, *arguments)
        assert isinstance(reply, list)
        return [one for one in reply if isinstance(one, bytes)]
