"""What was measured of job types, run by run, and what is said of it."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ourvidz import __version__
from ourvidz.jobs.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job that was made."""

    seed: int
    """Of its first item."""
    total: float
    """Seconds from the claim to the stored result."""
    result: Result

    @property
    def seconds(self) -> dict[str, float]:
        """By stage, with ``total``."""
        return {**self.result.seconds, "total": round(self.total, 4)}

    def as_json(self) -> dict[str, Any]:
        """Its numbers; ``stored`` are the bytes of what was made, thumbnails left out."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "peak_memory": self.result.peak_memory,
            "stored": sum(asset.size for asset in self.result.assets),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One job type, measured."""

    model: str
    """Its name in ``ourvidz.yaml``."""
    weights: str
    """``random``, or where its checkpoint lies."""
    load_seconds: float
    """Of the model, which job types that are measured one after another share."""
    warm_up: Sequence[Run]
    """Runs that do not count."""
    runs: Sequence[Run]

    @property
    def last(self) -> Result:
        """A result for what all of them have in common: job type, parameters, fingerprint, profile."""
        return self.runs[-1].result

    @property
    def medians(self) -> dict[str, float]:
        """Seconds by stage."""
        seconds = [run.seconds for run in self.runs]
        return {stage: round(statistics.median(one[stage] for one in seconds), 4) for stage in seconds[0]}

    @property
    def peak_memory(self) -> int | None:
        """Most bytes of the device's memory in use, the model included; None: the device does not count."""
        peaks = [run.result.peak_memory for run in self.runs]
        return max((one for one in peaks if one is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        """Every run's numbers, what they come to, and all that they depend on."""
        last = self.last
        return {
            "job_type": last.job_type,
            "spec_digest": last.spec_digest,
            "model": self.model,
            "weights": self.weights,
            "load_seconds": round(self.load_seconds, 4),
            "medians": self.medians,
            "peak_memory": self.peak_memory,
            "items": len(last.assets),
            "profile": last.profile,
            "parameters": {name: value for name, value in last.parameters.items() if name != "seeds"},
            "fingerprint": last.fingerprint,
            "warm_up": [run.as_json() for run in self.warm_up],
            "runs": [run.as_json() for run in self.runs],
        }


def three_digits(value: float) -> str:
    """A number as exact as a measurement is: 0.0123, 1.23, 123, 1234."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def report(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """All of it as JSON, with what is true of this machine as a whole."""
    return {
        "ourvidz": __version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "measurements": [one.as_json() for one in measurements],
    }


def stages_in(medians: Sequence[Mapping[str, float]]) -> list[str]:
    """The stages of a job whose model is in memory, as columns of a table."""
    # The job that goes through most of them has them in order.
    named = dict.fromkeys(stage for one in sorted(medians, key=len, reverse=True) for stage in one)
    # generate is the sum of the model's own stages.
    return [stage for stage in named if stage not in ("load", "generate", "total")]
