"""GPU memory as it is declared: what models and jobs of one worker take together.

Declared sizes are summed. What models share in memory is counted for each of them, since how much that
is depends on the checkpoints, and a sum that is too large does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The memory of one worker, in bytes."""

    total: int
    """What models and jobs may take together."""
    sizes: Mapping[str, int]
    """By model, what it takes once loaded; without models of which nobody says how much."""
    work: int
    """The most that a job takes beside its model."""
    heaviest: str
    """The job type that takes it; empty if none says that it takes any."""

    def taken_with(self, models: Iterable[str]) -> int:
        """What these models and the work of any job take together."""
        return sum(self.sizes[name] for name in models) + self.work

    def sum_of(self, models: Iterable[str]) -> str:
        """The same in words: ``posters 7GB + work of poster 3GB = 10GB``."""
        parts = [f"{name} {written(self.sizes[name])}" for name in models]
        if self.work:
            parts.append(f"work of {self.heaviest} {written(self.work)}")
        taken = written(self.taken_with(models))
        return f"{' + '.join(parts)} = {taken}" if len(parts) > 1 else parts[0]


def measure_room(
    total: int, job_types: Iterable[JobType], models: Mapping[str, ModelEntry], default: ModelEntry
) -> Room:
    """The room of a worker that makes these job types.

    ``models`` are those of its family by name, ``default`` is the family's own. A job type without
    ``vram``, or of a model without a size, counts as taking nothing beside it; one that takes no jobs
    does not count.
    """
    known = {name: entry.vram or default.vram for name, entry in models.items()}
    sizes = {name: size for name, size in known.items() if size is not None}
    work, heaviest = 0, ""
    for job_type in job_types:
        size = sizes.get(job_type.model or job_type.family)
        if job_type.takes_jobs and job_type.vram is not None and size is not None:
            peak = job_type.vram.peak + job_type.vram.per_image * (max(job_type.batch_sizes) - 1)
            beside = peak - size
            if beside > work:
                work, heaviest = beside, job_type.id
    return Room(total=total, sizes=sizes, work=work, heaviest=heaviest)


def written(size: int) -> str:
    """A size as people write it, to hundredths and rounded up, so that what is written is enough."""
    unit, name = (2**30, "GB") if size >= 2**30 else (2**20, "MB")
    hundredths = round(size / unit * 100)
    if round(hundredths / 100 * unit) < size:
        hundredths += 1
    return f"{hundredths / 100:g}{name}"
