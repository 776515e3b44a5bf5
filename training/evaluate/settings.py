"""How a job type has its pictures made, and variants of that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

#: In the root of the repository.
JOB_TYPES, PROJECT = Path("jobtypes"), Path("ourvidz.yaml")

#: Frames in a second of WAN's videos, and those that one latent holds after the first.
FPS, FRAMES_PER_LATENT = 16, 4


@dataclass(frozen=True)
class Settings:
    steps: int
    guidance: float
    width: int
    height: int
    frames: int = 1
    """1 for a picture."""
    profile: str | None = None
    """Of ``ourvidz.yaml``, by which all were reduced."""
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
            case "steps":
                return replace(self, steps=int(value))
            case "seed":
                return replace(self, seed=int(value))
            case "size":
                width, height = _size(value)
                return replace(self, width=width, height=height)
            case "job_type":
                return read_settings(value, self.profile)
        raise ValueError(f"found {variant!r}, expected guidance=, steps=, size=, seed= or job_type=")


def read_settings(job_type: str, profile: str | None = None) -> Settings:
    """Of a job type of this repository, reduced by a profile. Raises ValueError for unknown names."""
    file = JOB_TYPES / f"{job_type}.yaml"
    if not file.is_file():
        raise ValueError(f"{file}: found no such file, expected a job type; run it in the repository's root")
    spec = yaml.safe_load(file.read_text(encoding="utf-8"))
    width, height = _size(spec["resolution"])
    frames = 1
    if "duration" in spec:
        seconds = float(str(spec["duration"]).removesuffix("s"))
        frames = FRAMES_PER_LATENT * round(seconds * FPS / FRAMES_PER_LATENT) + 1
    settings = Settings(int(spec["steps"]), float(spec["guidance"]), width, height, frames)
    return settings if profile is None else _reduced(settings, profile)


def _reduced(settings: Settings, name: str) -> Settings:
    """As a worker with the profile does it."""
    profiles = yaml.safe_load(PROJECT.read_text(encoding="utf-8")).get("profiles", {})
    if name not in profiles:
        raise ValueError(f"{PROJECT}: found no profile {name!r}, expected one of {', '.join(profiles)}")
    profile = {"scale": 1.0, "frames": 1.0, "steps": 1.0, **profiles[name]}
    latents = int((settings.frames - 1) * profile["frames"]) // FRAMES_PER_LATENT
    return replace(
        settings,
        width=int(settings.width * profile["scale"]) // 16 * 16,
        height=int(settings.height * profile["scale"]) // 16 * 16,
        frames=max(1, latents) * FRAMES_PER_LATENT + 1 if settings.frames > 1 else 1,
        steps=max(1, round(settings.steps * profile["steps"])),
        profile=name,
    )


def _size(text: str) -> tuple[int, int]:
    """Width and height from ``640x480``, or from one number for both. Raises ValueError."""
    width, _, height = text.partition("x")
    if not width.isdecimal() or not (height or width).isdecimal():
        raise ValueError(f"found a size of {text!r}, expected one such as 512 or 1216x832")
    return int(width), int(height or width)
