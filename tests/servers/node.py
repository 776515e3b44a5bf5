"""The packages of ``tests/node``, installed by npm when they are missing or older than their lock file."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

NODE_FOLDER = Path(__file__).parents[1] / "node"


def node_packages() -> Path:
    """The folder ``node_modules``."""
    lock, packages = NODE_FOLDER / "package-lock.json", NODE_FOLDER / "node_modules"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # npm writes this file last.
        done = packages / ".package-lock.json"
        if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run(["npm", "ci"], cwd=NODE_FOLDER, check=True, capture_output=True)
        return packages


def node() -> Path:
    """The Node.js that the packages bring, which is newer than Debian's."""
    return node_packages() / "node" / "bin" / "node"


def deno() -> Path:
    """The pinned ``deno``."""
    return node_packages() / ".bin" / "deno"


def deno_environment(folder: Path) -> dict[str, str]:
    """What Deno needs to keep what it compiles in a test's own folder, and to ask nobody for anything."""
    return os.environ | {"DENO_DIR": str(folder / ".deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
