"""What a machine has done: how long jobs took by stage, how many failed, how many it ends in an hour.

Taken from what the queue keeps of ended jobs. Uptime and the delivery of callbacks are not among it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ourvidz.jobs.queue import JobRecord

#: At most this share of jobs may fail, exclusive (plan, section 8.1).
ERROR_RATE_TARGET = 0.02

#: From submission to the start, of jobs that were completed at their first start.
WAIT = "wait"

#: From the last start to the end: what a job type's ``expected_time`` is about.
RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Of measured times, in seconds. Each is one of them: the smallest that so many do not exceed."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Quantiles:
        """``seconds`` has at least one."""
        ordered = sorted(seconds)

        def at(percent: int) -> float:
            return ordered[math.ceil(len(ordered) * percent / 100) - 1]

        return cls(count=len(ordered), p50=at(50), p95=at(95), p99=at(99))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTypeStatistics:
    """What became of the jobs that one job type made, or was the last to try."""

    job_type: str
    completed: int
    failed: int
    cancelled: int
    taken_over: int
    """Jobs that asked for this type and that its fallback took over; they count there."""
    errors: Mapping[str, int]
    """Failed jobs by code, the most frequent first."""
    stages: Mapping[str, Quantiles]
    """Of completed jobs: ``wait``, each stage that results name, ``run``; only what was measured."""

    @property
    def error_rate(self) -> float | None:
        """Failed ones among those that were not cancelled, 0 to 1; None if there are none."""
        judged = self.completed + self.failed
        return self.failed / judged if judged else None

    @property
    def keeps_error_rate(self) -> bool | None:
        """Whether fewer than the target fail; None if there is nothing to judge."""
        return None if self.error_rate is None else self.error_rate < ERROR_RATE_TARGET

    def keeps_time(self, expected: float) -> bool | None:
        """Whether 95 of 100 run within ``expected`` seconds; None if there is nothing to judge."""
        run = self.stages.get(RUN)
        return None if run is None else run.p95 <= expected


def ended_since(jobs: Iterable[JobRecord], moment: float) -> list[JobRecord]:
    """Those that ended at ``moment``, in seconds since the epoch, or later."""
    return [job for job in jobs if job.finished_at is not None and job.finished_at >= moment]


def by_job_type(ended: Iterable[JobRecord]) -> list[JobTypeStatistics]:
    """Sum ended jobs up, by the job type that made them or was the last to try, in order of its name."""
    jobs: dict[str, list[JobRecord]] = {}
    taken_over: Counter[str] = Counter()
    for job in ended:
        jobs.setdefault(job.effective_job_type, []).append(job)
        if job.effective_job_type != job.job_type:
            taken_over[job.job_type] += 1
    return [_sum_up(name, jobs.get(name, []), taken_over[name]) for name in sorted({*jobs, *taken_over})]


def _sum_up(job_type: str, jobs: Sequence[JobRecord], taken_over: int) -> JobTypeStatistics:
    states = Counter(job.state for job in jobs)
    return JobTypeStatistics(
        job_type=job_type,
        completed=states["completed"],
        failed=states["failed"],
        cancelled=states["cancelled"],
        taken_over=taken_over,
        errors=dict(
            Counter(job.error.code for job in jobs if job.error and job.state == "failed").most_common()
        ),
        stages=_stages([job for job in jobs if job.state == "completed"]),
    )


def _stages(completed: Iterable[JobRecord]) -> dict[str, Quantiles]:
    """A time that a clock step made negative does not count."""
    waits, runs = [], []
    stages: dict[str, list[float]] = {}
    for job in completed:
        assert job.started_at is not None
        assert job.finished_at is not None
        if job.attempt == 1 and job.effective_job_type == job.job_type:
            waits.append(job.started_at - job.submitted_at)
        runs.append(job.finished_at - job.started_at)
        for name, seconds in (job.result.seconds if job.result else {}).items():
            stages.setdefault(name, []).append(seconds)
    measured = {WAIT: waits, **stages, RUN: runs}
    known = {name: [one for one in seconds if one >= 0] for name, seconds in measured.items()}
    return {name: Quantiles.of(seconds) for name, seconds in known.items() if seconds}
