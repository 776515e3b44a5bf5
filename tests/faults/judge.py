"""Says what became of the jobs, by what was pushed, what receivers were told and what storage holds.

It asks no queue: a queue that loses a job would lose count of it as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: States that end a job.
ENDS = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Told:
    """An event that a receiver took, and when, in seconds of the monotonic clock."""

    at: float
    event: Mapping[str, Any]

    @property
    def job_id(self) -> str:
        return str(self.event["job_id"])

    @property
    def files(self) -> dict[str, str]:
        """What it says was stored: digests by bucket and path."""
        assets = (self.event.get("result") or {}).get("assets", ())
        files = [file for asset in assets for file in (asset, asset.get("thumbnail")) if file]
        return {f"{file['bucket']}/{file['path']}": file["sha256"] for file in files}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that was done to the system, from when until when; to one job, if it is known to which."""

    at: float
    over: float
    job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What can be seen without the queue."""

    acknowledged: Collection[str]
    """Jobs whose push was answered."""
    told: Sequence[Told]
    stored: Mapping[str, str]
    """Digests by bucket and path."""
    starts: Sequence[str]
    """The job of every claim."""
    kept: Collection[str] = ()
    """What stands among the dead letters, since it has no id under which anybody could be told."""
    faults: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of all jobs of a row."""

    acknowledged: int
    completed: int
    failed: int
    """Told of as failed or cancelled, or kept as dead letters: somebody knows."""
    lost: tuple[str, ...]
    """Acknowledged and never told of, or told of with files that are not there."""
    twice: tuple[str, ...]
    """With more than one completion, each by another claim."""
    extra_starts: int
    faults: int
    recoveries: tuple[float, ...] = field(default=())
    """Seconds until the job that was hit was told of; where it is not known, from the end of a fault
    until any job was."""

    @property
    def is_sound(self) -> bool:
        return not self.lost and not self.twice


def judge(evidence: Evidence) -> Verdict:
    completions: dict[str, dict[int, Told]] = defaultdict(dict)
    ended: dict[str, list[Told]] = defaultdict(list)
    for told in evidence.told:
        if told.event["status"] in ENDS:
            ended[told.job_id].append(told)
        if told.event["status"] == "completed":
            # The same sequence again is the same event, told again.
            completions[told.job_id].setdefault(told.event["sequence"], told)
    whole = {
        job_id
        for job_id, by_sequence in completions.items()
        if any(one.files.items() <= evidence.stored.items() for one in by_sequence.values())
    }
    acknowledged = set(evidence.acknowledged)
    failed = {job_id for job_id in acknowledged & ended.keys() if job_id not in completions}
    failed |= acknowledged.intersection(evidence.kept)
    return Verdict(
        acknowledged=len(acknowledged),
        completed=len(acknowledged & whole),
        failed=len(failed),
        lost=tuple(sorted(acknowledged - whole - failed)),
        twice=tuple(sorted(job_id for job_id, by_sequence in completions.items() if len(by_sequence) > 1)),
        extra_starts=len(evidence.starts) - len(set(evidence.starts)),
        faults=len(evidence.faults),
        recoveries=tuple(_recoveries(evidence.faults, ended)),
    )


def _recoveries(faults: Iterable[Fault], ended: Mapping[str, Sequence[Told]]) -> Iterable[float]:
    first = {job_id: min(told.at for told in all_told) for job_id, all_told in ended.items()}
    arrivals = sorted(first.values())
    for fault in faults:
        if fault.job_id is None:
            begin = fault.over
            after = next((at for at in arrivals if at > begin), None)
        else:
            begin, after = fault.at, first.get(fault.job_id)
        if after is not None:
            yield max(0.0, after - begin)
