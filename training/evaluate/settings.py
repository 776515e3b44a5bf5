"""How a job type has its pictures made, and variants of that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

#: In the root of the repository.
JOB_TYPES = Path("jobtypes")


@dataclass(frozen=True)
class Settings:
    steps: int
    guidance: float
    width: int
    height: int
    seed: int = 0
    """Added to each case's own."""

    def figures(self) -> dict[str, Any]:
        return asdict(self)

    def varied(self, variant: str) -> Settings:
        """With one of them changed, as in ``guidance=1``, ``steps=30``, ``size=1280x1280``, ``seed=1``, or
        all by ``job_type=NAME``.

        Raises ValueError for anything else.
        """
        name, _, value = variant.partition("=")
        match name:
            case "guidance":
                return replace(self, guidance=float(value))
            case "steps" | "seed":
                return replace(self, **{name: int(value)})
            case "size":
                width, height = size(value)
                return replace(self, width=width, height=height)
            case "job_type":
                return read_settings(value)
        raise ValueError(f"found {variant!r}, expected guidance=, steps=, size=, seed= or job_type=")


def read_settings(job_type: str) -> Settings:
    """Of a job type of this repository. Raises ValueError if there is none of the name."""
    file = JOB_TYPES / f"{job_type}.yaml"
    if not file.is_file():
        raise ValueError(f"{file}: found no such file, expected a job type; run it in the repository's root")
    spec = yaml.safe_load(file.read_text(encoding="utf-8"))
    width, height = size(spec["resolution"])
    return Settings(int(spec["steps"]), float(spec["guidance"]), width, height)


def size(text: str) -> tuple[int, int]:
    """Width and height from ``640x480``, or from one number for both. Raises ValueError."""
    width, _, height = text.partition("x")
    return int(width), int(height or width)
