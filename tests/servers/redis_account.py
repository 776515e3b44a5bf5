"""An account on a Redis server that may do what the how-to gives it, and what its scripts touch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

#: What docs/how-to/run-on-redis.md gives to ourvidz.
RIGHTS = "+@read +@write +@connection -@dangerous +eval +evalsha +time +info"

NAME, PASSWORD = "ourvidz", "account-password-7c1e"

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MARK = "seen-all-that-came-before"


def make_account(client: Any, namespace: str, lists: Collection[str]) -> None:
    """Let the account touch the namespace and the lists, and no other key."""
    keys = [f"~{namespace}:*", *(f"~{one}" for one in lists)]
    client.execute_command("ACL", "SETUSER", NAME, "reset", "on", f">{PASSWORD}", *keys, *RIGHTS.split())


@dataclass(slots=True)
class Seen:
    """What scripts did on a server."""

    digests: set[str] = field(default_factory=set)
    """Of the scripts that ran."""
    touches: int = 0
    """Keys that their commands named."""
    undeclared: list[str] = field(default_factory=list)
    """Commands of scripts on keys that were not passed in KEYS."""


class KeyWatch:
    """Hears through MONITOR every command that a script sends, and the keys that were declared to it."""

    def __init__(self, port: int) -> None:
        # redis-py leaves the methods of both without types.
        self._client: Any = redis.Redis(port=port)
        connect: Any = redis.Connection
        self._ear = connect(port=port, protocol=2)
        self._ear.send_command("MONITOR")
        self._ear.read_response()
        self._positions: dict[str, slice] = {}

    def seen(self) -> Seen:
        """All that scripts did since the last call."""
        self._client.echo(_MARK)
        found, declared = Seen(), frozenset[str]()
        for is_script, words in self._heard():
            command = words[0].upper()
            if command in ("EVAL", "EVALSHA"):
                declared = frozenset(words[3 : 3 + int(words[2])])
                found.digests |= {words[1]} if command == "EVALSHA" else set()
            elif is_script:
                touched = words[self._keys_of(command)]
                found.touches += len(touched)
                found.undeclared += [f"{command} {key}" for key in touched if key not in declared]
        return found

    def close(self) -> None:
        self._ear.disconnect()
        self._client.close()

    def _heard(self) -> Iterator[tuple[bool, list[str]]]:
        """Commands up to the mark, each with whether a script sent it."""
        while True:
            place, _, sent = self._ear.read_response().decode().partition("] ")
            words = _WORD.findall(sent)
            if words == ["ECHO", _MARK]:
                return
            yield place.endswith(" lua"), words

    def _keys_of(self, command: str) -> slice:
        """Where a command's keys stand among its words, as the server says."""
        if command not in self._positions:
            [told] = self._client.execute_command("COMMAND", "INFO", command).values()
            first, last, step = told["first_key_pos"], told["last_key_pos"], told["step_count"]
            assert "movablekeys" not in told["flags"], f"where has {command} its keys?"
            self._positions[command] = slice(first, last + 1 or None, step) if first else slice(0)
        return self._positions[command]
