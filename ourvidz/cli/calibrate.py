"""``ourvidz calibrate``: expected times from what was measured."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.cli.stats import since_option, window
from ourvidz.deploy.generated import GeneratedFile
from ourvidz.jobs.queue import JobRecord
from ourvidz.jobs.statistics import RUN, Quantiles, by_job_type, ended_since
from ourvidz.project import Project
from ourvidz.runtime.client import Client
from ourvidz.spec.loading import Declaration
from ourvidz.spec.rewriting import with_quantity
from ourvidz.spec.units import format_seconds

#: Completed jobs that say enough: of fewer, p95 is the longest that happened to be among them.
LEAST_JOBS = 20

#: Jobs that are looked at, the newest first.
MOST_JOBS = 10_000


@dataclass(frozen=True, slots=True)
class _Proposal:
    declaration: Declaration
    expected: float
    measured: Quantiles | None

    @property
    def proposed(self) -> float | None:
        """The p95 of a job's time, rounded up; None: too few jobs, or it is what the file says."""
        if self.measured is None or self.measured.count < LEAST_JOBS:
            return None
        rounded = round_up(self.measured.p95)
        return None if math.isclose(rounded, self.expected) else rounded

    @property
    def said(self) -> str:
        if self.proposed is not None:
            return format_seconds(self.proposed)
        count = self.measured.count if self.measured else 0
        return "as it is" if count >= LEAST_JOBS else f"needs {LEAST_JOBS} jobs"


@click.command("calibrate")
@since_option
@click.option("--write", is_flag=True, help="Write what is proposed into the job types' files.")
@json_option
@place_options
def calibrate(place: Invocation, since: str | None, write: bool, as_json: bool) -> None:
    """Propose expected times from what was measured.

    The p95 of completed jobs, from start to end, with two digits. What was made under a profile does
    not count. With --write, comments, order and layout of the files stay as they are.
    """
    project = place.open()
    seconds = window(since, project.settings.keep)
    with Client.open(project) as client:
        newest = client.queue.jobs(state="completed", limit=MOST_JOBS)
    proposals = _proposals(project, _whole(ended_since(newest, time.time() - seconds)))
    if write:
        # All of them can be changed, or none is. Several may stand in one file.
        texts: dict[Path, bytes] = {}
        for one in proposals:
            if one.proposed is not None:
                _change(texts, one.declaration, one.proposed)
        for path, data in texts.items():
            GeneratedFile(path=path, text=data.decode(), command="ourvidz calibrate --write").write()
    if as_json:
        print_json([_json(one, write) for one in proposals])
        return
    print_table(
        ("job type", "jobs", "p50", "p95", "expected", "proposed", "file"),
        [_row(one) for one in proposals],
        empty="there are no job types",
    )
    count = sum(one.proposed is not None for one in proposals)
    if write:
        click.echo(f"\n{count} written{'; generate what is derived from them anew' if count else ''}")
    elif count:
        click.echo(f"\nwrite {count} of them with --write")


def round_up(seconds: float) -> float:
    """To two digits, and to a tenth of a second at least: 3.61 becomes 3.7, 283 becomes 290."""
    unit = max(0.1, 10.0 ** (math.floor(math.log10(max(seconds, 0.1))) - 1))
    return round(max(1, math.ceil(round(seconds / unit, 6))) * unit, 1)


def _whole(jobs: Iterable[JobRecord]) -> list[JobRecord]:
    """Those that were made as their type says, under no profile."""
    return [job for job in jobs if job.result is not None and job.result.profile is None]


def _proposals(project: Project, jobs: Iterable[JobRecord]) -> list[_Proposal]:
    measured = {one.job_type: one.stages.get(RUN) for one in by_job_type(jobs)}
    return [
        _Proposal(one, one.job_type.expected_time, measured.get(one.id))
        for one in sorted(project.sources.declarations, key=lambda one: one.id)
        if one.job_type is not None
    ]


def _change(texts: dict[Path, bytes], declaration: Declaration, seconds: float) -> None:
    """Put a time into the text of the file that declares a job type. Raises CannotRewrite."""
    path = Path(declaration.document.file)
    data = texts[path] if path in texts else path.read_bytes()
    field = (*declaration.path, "expected_time")
    texts[path] = with_quantity(data, str(path), field, format_seconds(seconds))


def _row(one: _Proposal) -> tuple[object, ...]:
    of = one.measured
    return (
        one.declaration.id,
        of.count if of else 0,
        f"{of.p50:.2f} s" if of else None,
        f"{of.p95:.2f} s" if of else None,
        format_seconds(one.expected),
        one.said,
        one.declaration.document.file,
    )


def _json(one: _Proposal, written: bool) -> dict[str, Any]:
    return {
        "jobType": one.declaration.id,
        "file": one.declaration.document.file,
        "jobs": one.measured.count if one.measured else 0,
        "p50": one.measured.p50 if one.measured else None,
        "p95": one.measured.p95 if one.measured else None,
        "expectedTime": one.expected,
        "proposed": one.proposed,
        "written": written and one.proposed is not None,
    }
