"""Certificates as OpenSSL makes them: each its own authority."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificate(folder: Path, host: str = "localhost", *, days: int = 1) -> Path:
    """Write ``ca.pem`` and ``key.pem`` for a host; a negative number of days is how long ago it expired."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = f"-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={host}"
    for command in (
        f"openssl req {asked} -addext subjectAltName=DNS:{host} -keyout key.pem -out asked.pem",
        f"openssl x509 -req -in asked.pem -copy_extensions copy -signkey key.pem -days {days} -out ca.pem",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder
