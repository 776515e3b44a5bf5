"""How much memory a process may still take, beside a GPU's."""

from __future__ import annotations

import os
from pathlib import Path

#: Where a control group says how much it may take, of version 2 and 1; "max", or an enormous number, is no
#: limit.
_LIMITS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")


def host_memory(root: Path = Path("/")) -> tuple[int, int]:
    """Bytes that are available, and all that there are, within the limit of a control group.

    What a group's own processes use already is not taken off its limit, since files that are cached are
    counted there as well. Where the system tells no more than its physical memory, that is available.
    """
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in filter(str.isdecimal, (_read(root / path).strip() for path in _LIMITS)):
        room = min(room, int(limit))
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return min(room, int(line.split()[1]) * 1024), room
    return room, room


def _read(path: Path) -> str:
    """An empty text where there is no such file."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
