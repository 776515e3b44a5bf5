"""The scripts that run on the server, and the keys that they work on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.queue.redis.connection import CommandRefused, Connection

#: Every key of a deployment, in the order in which scripts get them.
KEYS = (
    # Jobs by id: the job itself, what was pushed, what goes into its events, what it made.
    "jobs",
    "payloads",
    "metadata",
    "results",
    # Orders of jobs: of arrival; of start, of age, and of turns by user, while they wait; of the end, once
    # it was told.
    "order",
    "ready",
    "waiting",
    "users",
    "ended",
    # When leases and delays run out, and when that was set; jobs by their claim's nonce.
    "due",
    "due_set",
    "nonces",
    # Names of queues; how far each has handed out; the newest numbers; seconds of recent jobs by type.
    "queues",
    "turns",
    "counters",
    "seconds",
    # Events by job and token, tokens by job, and when each is due.
    "outbox",
    "outbox_jobs",
    "outbox_due",
    "outbox_set",
    "letters",
    "letter_payloads",
    "letter_order",
    # What workers say of job types that they have stopped, by both.
    "stops",
)

#: A full Redis still lets workers claim and end jobs, which is what empties it.
_SHEBANG = "#!lua flags=allow-oom\n"
_NAMES = "".join(f"K.{name} = KEYS[{number}]\n" for number, name in enumerate(KEYS, start=1))
_HEAD = f"{_SHEBANG}local K = {{}}\n{_NAMES}local LISTS = {len(KEYS)}\n"


@cache
def script_of(name: str) -> tuple[str, str]:
    """A script's text and its SHA-1, by which the server knows it."""
    folder = files("ourvidz.runtime.queue.redis") / "lua"
    body = "\n".join((folder / f"{one}.lua").read_text() for one in ("library", name))
    text = _HEAD + body
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs scripts on the keys of one deployment."""

    def __init__(self, connection: Connection, namespace: str, offset: Callable[[], float]) -> None:
        self.connection = connection
        self._keys = [f"{namespace}:{name}" for name in KEYS]
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
        keys = [*self._keys, *lists]
        arguments = [str(len(keys)), *keys, f"{self._offset():.6f}", json.dumps(given)]
        try:
            return self._run(name, arguments)
        except QueueUnavailable:
            if not repeatable:
                raise
            return self._run(name, arguments)

    def _run(self, name: str, arguments: Sequence[str]) -> list[bytes]:
        text, digest = script_of(name)
        try:
            reply = self.connection.command("EVALSHA", digest, *arguments)
        except CommandRefused as error:
            if not error.answer.startswith("NOSCRIPT"):
                raise
            reply = self.connection.command("EVAL", text, *arguments)
        assert isinstance(reply, list)
        return [one for one in reply if isinstance(one, bytes)]
