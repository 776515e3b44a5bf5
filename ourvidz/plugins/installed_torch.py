"""Which torch is installed, found out without importing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: What torch's own list of its version says of CUDA, in a file that is read and not run.
_CUDA = re.compile(r"^cuda\b[^=]*=\s*['\"]([0-9.]+)['\"]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """The torch that is installed."""

    version: str
    cuda: str | None
    """The CUDA version that it was built for, such as 12.4; None: it uses no GPU of NVIDIA's."""


def find_torch() -> Torch | None:
    """Read the version of the installed torch without importing it; None if there is none."""
    try:
        installed = distribution("torch")
    except PackageNotFoundError:
        return None
    path = Path(str(installed.locate_file("torch/version.py")))
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    match = _CUDA.search(text)
    return Torch(version=installed.version, cuda=match[1] if match else None)
