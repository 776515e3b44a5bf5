"""The scripts that run on the server, and the keys that they work on.

A script gets the keys of a deployment in the order of :data:`KEYS`, then the producers' lists that it is
asked about. Its arguments are a clock's offset in seconds, 0 outside of tests, and what is asked, as JSON
whose values are texts, lists or objects of texts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

#: What stands in front of every key of a deployment, if its URL names nothing else.
NAMESPACE = "ourvidz"

NAMESPACE_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

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


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its SHA-1, by which the server knows it."""

    text: str
    digest: str


def keys(namespace: str) -> list[str]:
    """Every key of a deployment, as scripts get them."""
    return [f"{namespace}:{name}" for name in KEYS]


@cache
def prelude() -> str:
    """What stands in front of every script."""
    return _HEAD + body("library") + "\n"


@cache
def body(name: str) -> str:
    """What a script does itself."""
    return (files("ourvidz.jobs.redis") / "lua" / f"{name}.lua").read_text()


@cache
def script_of(name: str) -> Script:
    """A script as it is sent."""
    text = prelude() + body(name)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
