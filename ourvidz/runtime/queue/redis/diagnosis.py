"""What a Redis server says of itself: whether it keeps jobs, has room for more, and what time it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ourvidz.jobs.callback import SIGNATURE_AGE
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.runtime.queue.redis.connection import CommandRefused, Connection

#: The oldest server that the queue's scripts run on.
OLDEST = (7, 0)

#: Part of the memory or the connections from which on they are about to run out.
_NEARLY = 0.9

#: Seconds between two clocks that nobody notices.
_NEGLIGIBLE = 5.0

_MIB = 2**20


def diagnose(connection: Connection, clock: Callable[[], float] = time.time) -> Iterator[Diagnosis]:
    """Ask a server. Raises QueueUnavailable, CommandRefused.

    ``clock`` is this machine's, in seconds since the epoch.
    """
    yield _clock(connection, clock)
    try:
        told = connection.command("INFO")
    except CommandRefused as error:
        yield Diagnosis(
            check="queue server",
            health="warning",
            found=f"it does not tell its version, eviction, persistence and limits: {error.answer}",
            remedy="allow the account +info, or see to them where the server is run",
        )
        return
    facts = _facts(told.decode(errors="replace") if isinstance(told, bytes) else "")
    yield _version(facts)
    yield _eviction(facts)
    yield _persistence(facts, connection)
    yield _memory(facts)
    yield _connections(facts)


def _facts(text: str) -> dict[str, str]:
    """The lines of INFO by their names."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip() for name, _, value in pairs}


def _untold(check: str, what: str, see_to: str) -> Diagnosis:
    return Diagnosis(
        check=check, health="skipped", found=f"the server does not tell its {what}", remedy=see_to
    )


def _version(facts: dict[str, str]) -> Diagnosis:
    version = facts.get("redis_version", "")
    try:
        major, minor, *_ = (int(one) for one in version.split("."))
    except ValueError:
        return _untold("queue version", "version", "it has to be as Redis 7.0 or newer")
    if (major, minor) < OLDEST:
        return Diagnosis(
            check="queue version",
            health="failed",
            found=f"Redis {version}, expected 7.0 or newer",
            remedy="upgrade the server",
        )
    return Diagnosis(check="queue version", health="ok", found=f"Redis {version}")


def _eviction(facts: dict[str, str]) -> Diagnosis:
    policy = facts.get("maxmemory_policy")
    if policy is None:
        return _untold("queue eviction", "maxmemory-policy", "switch eviction off where the server is rented")
    if policy == "noeviction":
        return Diagnosis(check="queue eviction", health="ok", found=policy)
    harm = (
        "a full server deletes jobs"
        if policy.startswith("allkeys")
        else "jobs are safe, having no time to live; what has one is deleted when it is full"
    )
    return Diagnosis(
        check="queue eviction",
        health="failed" if policy.startswith("allkeys") else "warning",
        found=f"{policy}: {harm}",
        remedy="set maxmemory-policy to noeviction, or switch eviction off where the server is rented",
    )


def _persistence(facts: dict[str, str], connection: Connection) -> Diagnosis:
    check = "queue persistence"
    if "aof_enabled" not in facts:
        return _untold(check, "persistence", "see where it is rented that it keeps what it acknowledged")
    if facts["aof_enabled"] != "1":
        return Diagnosis(
            check=check,
            health="failed",
            found="appendonly no: a restart of the server loses jobs",
            remedy="set appendonly yes and appendfsync always, in its file as well",
        )
    if facts.get("aof_last_write_status", "ok") != "ok":
        return Diagnosis(
            check=check,
            health="failed",
            found="the server could not write its append-only file",
            remedy="make room on its disk and look into its log",
        )
    how_often = _appendfsync(connection)
    if how_often in ("everysec", "no"):
        return Diagnosis(
            check=check,
            health="warning",
            found=f"appendonly yes, appendfsync {how_often}: a power cut loses the last jobs",
            remedy="set appendfsync always",
        )
    # The account that the documents give the queue may not read the configuration.
    return Diagnosis(
        check=check,
        health="ok",
        found=f"appendonly yes, appendfsync {how_often or 'not told to this account'}",
    )


def _appendfsync(connection: Connection) -> str | None:
    try:
        reply = connection.command("CONFIG", "GET", "appendfsync")
    except CommandRefused:
        return None
    match reply:
        case [_, bytes(value)]:
            return value.decode(errors="replace")
    return None


def _memory(facts: dict[str, str]) -> Diagnosis:
    check = "queue memory"
    try:
        used, most = int(facts["used_memory"]), int(facts["maxmemory"])
    except (KeyError, ValueError):
        return _untold(check, "memory and its limit", "look at them where the server is rented")
    found = f"{used / _MIB:.0f} MiB of {f'{most / _MIB:.0f} MiB' if most else 'no limit (maxmemory)'}"
    if most and used > _NEARLY * most:
        return Diagnosis(
            check=check,
            health="failed" if used >= most else "warning",
            found=f"{found}; a full server refuses new jobs",
            remedy="let workers drain it, shorten keep in ourvidz.yaml, or raise its maxmemory",
        )
    return Diagnosis(check=check, health="ok", found=found)


def _connections(facts: dict[str, str]) -> Diagnosis:
    check = "queue connections"
    try:
        used, most = int(facts["connected_clients"]), int(facts["maxclients"])
    except (KeyError, ValueError):
        return _untold(check, "connections and their limit", "look at them where the server is rented")
    found = f"{used} of {most}"
    if used > _NEARLY * most:
        return Diagnosis(
            check=check, health="warning", found=found, remedy="raise maxclients, or close what nobody uses"
        )
    return Diagnosis(check=check, health="ok", found=found)


def _clock(connection: Connection, clock: Callable[[], float]) -> Diagnosis:
    """Compare clocks. The server's is read somewhere between request and reply."""
    before = clock()
    reply = connection.command("TIME")
    after = clock()
    match reply:
        case [bytes(seconds), bytes(microseconds)]:
            server = int(seconds) + int(microseconds) / 1e6
        case _:
            return _untold("clock", "time", "keep this machine's clock by NTP")
    skew = max(before - server, server - after, 0.0)
    side = "ahead of" if before > server else "behind"
    if skew <= _NEGLIGIBLE:
        return Diagnosis(check="clock", health="ok", found=f"within {_NEGLIGIBLE:g} s of the queue server's")
    harm = "receivers refuse what is signed by it" if skew >= SIGNATURE_AGE else "waits are told wrongly"
    return Diagnosis(
        check="clock",
        health="failed" if skew >= SIGNATURE_AGE else "warning",
        found=f"{skew:.0f} s {side} the queue server's; {harm}",
        remedy="let NTP set the clocks of both machines",
    )
