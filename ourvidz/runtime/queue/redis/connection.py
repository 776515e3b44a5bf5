"""The seam between the queue and a Redis server: one command, one reply, over whatever transport."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from ourvidz.errors import OurvidzError
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.foreign_words import quoted

#: A reply as the server sends it. Texts stay bytes; an error within a list is the list's, and stands there.
Reply: TypeAlias = "int | bytes | CommandRefused | list[Reply] | None"

#: First words of error replies that say nothing about the command: later it may work.
_LATER = {
    "OOM": "has no memory left: let workers drain it, or raise its maxmemory",
    "LOADING": "is still loading its data",
    "BUSY": "is busy with a long script",
    "MISCONF": "cannot write to its disk",
    "READONLY": "is a replica that takes no writes",
    "MASTERDOWN": "has lost its master",
    "CLUSTERDOWN": "is down",
    "TRYAGAIN": "is moving its keys",
}

#: What Upstash says of a database that its plan has no more for, after a code that is only ERR.
_SPENT = ("max daily request limit exceeded", "max requests limit exceeded", "DB capacity quota exceeded")


#: Characters of a server's words that a message repeats.
_WORDS = 500

#: What Redis begins with to quote the command, and so perhaps a prompt.
_QUOTATION = ", with args beginning with"


class CommandRefused(OurvidzError):
    """The Redis server answered a command with an error."""

    code = "command_refused"

    def __init__(self, answer: str) -> None:
        super().__init__(f"the Redis server refused a command: {answer}")
        self.answer = answer
        """The server's words; the first of them is its error code, such as NOSCRIPT."""


class CommandUnsendable(OurvidzError):
    """A command holds what this way to the Redis server cannot carry."""

    code = "command_unsendable"


class Connection(Protocol):
    """A way to one server. It belongs to one thread, and reconnects by itself when it is used again."""

    can_block: bool
    """Whether a command may block on the server; not over REST."""

    def command(self, *parts: str | bytes | int | float, timeout: float | None = None) -> Reply:
        """Send one command and return its reply.

        ``timeout``: seconds to wait for the reply; None: the connection's own. Nothing is ever sent
        twice. Raises QueueUnavailable when the server cannot be reached, gives no reply in time or
        refuses for lack of memory, CommandRefused for any other error reply, and CommandUnsendable
        for a command that cannot be sent this way.
        """
        ...

    def close(self) -> None:
        """For good, and from any thread: a command that blocks ends with QueueUnavailable."""
        ...


def told(answer: str, secret: str | None) -> str:
    """An error reply without what nobody may read in a log. Its first word, the code, stays as it is."""
    code, space, words = answer.partition(_QUOTATION)[0].partition(" ")
    return code + space + quoted(words, [secret], longest=_WORDS)


def refusal(where: str, answer: str) -> OurvidzError:
    """What to raise for an error reply. ``where`` names the server, without a password."""
    why = _LATER.get(answer.partition(" ")[0])
    if why is not None:
        return QueueUnavailable(f"{where}: the server {why} ({answer})")
    if answer.removeprefix("ERR ").startswith(_SPENT):
        return QueueUnavailable(f"{where}: the database's plan is used up ({answer})")
    return CommandRefused(answer)
