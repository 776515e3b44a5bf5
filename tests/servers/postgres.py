"""A PostgreSQL server of its own, in a folder that vanishes with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import free_port, running

#: Where Debian has the programs, one folder for each version.
INSTALLED = Path("/usr/lib/postgresql")


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; gives its URL. The user postgres may do everything, without a password."""
    programs = _programs()
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ourvidz-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data, port = folder / "data", free_port()
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(
            [*initdb, "--auth=trust", "--no-sync"], check=True, capture_output=True, user=user, cwd=folder
        )
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p", str(port), "-k", str(folder)]
        isready: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        with running(
            [programs / "postgres", "-D", data, *options],
            lambda: subprocess.run(isready, check=False).returncode == 0,
            log=folder / "log",
            user=user,
            cwd=folder,
            stop=signal.SIGQUIT,
        ):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


def program(name: str) -> Path:
    """A program that comes with the server."""
    return _programs() / name


def _programs() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(INSTALLED.glob("*/bin"), key=lambda path: float(path.parent.name))
    assert versions, "PostgreSQL is missing: on Debian, apt install postgresql"
    return versions[-1]
