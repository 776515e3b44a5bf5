"""How much memory is said to be free: what the system calls available, within a control group's limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.plugins.diffusion.host_memory import host_memory

KIB = 1024
V1 = "sys/fs/cgroup/memory/memory.limit_in_bytes"
V2 = "sys/fs/cgroup/memory.max"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({V2: "max\n"}, None),
        ({V1: f"{2**63 - 4096}\n"}, None),
        ({V2: f"{900 * KIB}\n"}, 900 * KIB),
        ({V2: f"{300 * KIB}\n"}, 300 * KIB),
        ({V1: f"{300 * KIB}\n"}, 300 * KIB),
    ],
)
def test_available_memory_counts_within_a_control_groups_limit(
    tmp_path: Path, files: dict[str, str], limit: int | None
) -> None:
    write(tmp_path, files | {"proc/meminfo": "MemTotal: 1000 kB\nMemFree: 4 kB\nMemAvailable: 800 kB\n"})
    _, physical = host_memory(tmp_path / "nothing")
    room = physical if limit is None else limit
    assert host_memory(tmp_path) == (min(room, 800 * KIB), room)


def test_where_nothing_is_told_all_physical_memory_is_available(tmp_path: Path) -> None:
    available, room = host_memory(tmp_path)
    assert available == room > 0


def test_this_machine_tells_a_sound_number() -> None:
    available, room = host_memory()
    assert 0 < available <= room
