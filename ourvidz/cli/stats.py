"""``ourvidz stats``: how long jobs took, and how many failed, against what was promised."""

from __future__ import annotations

import time
from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, local_time, print_json, print_table
from ourvidz.jobs.statistics import (
    ERROR_RATE_TARGET,
    RUN,
    JobTypeStatistics,
    Quantiles,
    by_job_type,
    ended_since,
)
from ourvidz.runtime.client import Client
from ourvidz.spec.units import format_seconds, parse_seconds

#: What is looked at if nobody says how much, in seconds.
DAY = 86400.0

UPTIME = "uptime is not measured: the queue knows of jobs, not of workers that had none"


since_option = click.option(
    "--since", metavar="TIME", help="Look back so far, such as 90min or 24h.  [default: 24h]"
)


@click.command("stats")
@since_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Look at the newest so many jobs at most.",
)
@json_option
@place_options
def stats(place: Invocation, since: str | None, limit: int, as_json: bool) -> None:
    """Show how long jobs took, and how many failed.

    By job type and stage, of the jobs that have ended, beside the job type's expected time and the
    share of errors that is allowed.
    """
    project = place.open()
    seconds = window(since, project.settings.keep)
    with Client.open(project) as client:
        newest = client.queue.jobs(limit=limit + 1)
    now = time.time()
    is_cut = len(newest) > limit
    ended = ended_since(newest[:limit], now - seconds)
    # Of what is left out nobody knows when it ended; what is looked at starts with the first end.
    start = min((job.finished_at or now for job in ended), default=now) if is_cut else now - seconds
    found = by_job_type(ended)
    expected = {one.id: one.expected_time for one in project.catalog.job_types.values()}
    hours = max(now - start, 1.0) / 3600
    if as_json:
        print_json(
            {
                "since": start,
                "until": now,
                "complete": not is_cut,
                "errorRateTarget": ERROR_RATE_TARGET,
                "uptime": None,
                "jobTypes": [_json(one, expected.get(one.job_type), hours) for one in found],
            }
        )
        return
    _print(found, expected, hours)
    click.echo(
        f"\njobs that ended since {local_time(start)}; errors have to stay below {ERROR_RATE_TARGET:.0%}"
    )
    if is_cut:
        click.echo(f"only the newest {limit} jobs were looked at; for more use --limit")
    click.echo(UPTIME)


def window(since: str | None, keep: float) -> float:
    """How far to look back, never beyond what the queue still knows. Raises BadParameter."""
    if since is None:
        return min(DAY, keep)
    try:
        seconds = parse_seconds(since)
    except ValueError as error:
        raise click.BadParameter(f"found {since!r}, {error}", param_hint="'--since'") from None
    if not 0 < seconds <= keep:
        raise click.BadParameter(
            f"found {since!r}, expected more than 0s and at most {format_seconds(keep)}, "
            "since older jobs are forgotten; `keep` in ourvidz.yaml says when",
            param_hint="'--since'",
        )
    return seconds


def _print(found: list[JobTypeStatistics], expected: dict[str, float], hours: float) -> None:
    rows = [
        (
            one.job_type,
            one.completed,
            one.failed,
            one.cancelled,
            one.taken_over,
            None if one.error_rate is None else f"{one.error_rate:.1%}",
            f"{one.completed / hours:.1f}",
            format_seconds(expected[one.job_type]) if one.job_type in expected else None,
            _verdict(one, expected.get(one.job_type)),
        )
        for one in found
    ]
    print_table(
        (
            "job type",
            "completed",
            "failed",
            "cancelled",
            "to fallback",
            "errors",
            "an hour",
            "expected",
            "promise",
        ),
        rows,
        empty="no job has ended",
    )
    for one in found:
        if one.errors:
            codes = ", ".join(f"{code} {count}" for code, count in one.errors.items())
            click.echo(f"{one.job_type} failed with {codes}")
    stages = [
        (one.job_type, stage, of.count, *(f"{seconds:.2f} s" for seconds in (of.p50, of.p95, of.p99)))
        for one in found
        for stage, of in one.stages.items()
    ]
    if stages:
        click.echo()
        print_table(("job type", "stage", "jobs", "p50", "p95", "p99"), stages)


def _verdict(one: JobTypeStatistics, expected: float | None) -> str | None:
    """Which promises are kept; None where nothing can be said."""
    time_kept = None if expected is None else one.keeps_time(expected)
    broken = [
        text
        for kept, text in ((time_kept, f"{RUN} p95 too long"), (one.keeps_error_rate, "too many errors"))
        if kept is False
    ]
    if broken:
        return ", ".join(broken)
    return None if time_kept is None and one.keeps_error_rate is None else "kept"


def _json(one: JobTypeStatistics, expected: float | None, hours: float) -> dict[str, Any]:
    return {
        "jobType": one.job_type,
        "completed": one.completed,
        "failed": one.failed,
        "cancelled": one.cancelled,
        "takenOver": one.taken_over,
        "errors": dict(one.errors),
        "errorRate": one.error_rate,
        "errorRateKept": one.keeps_error_rate,
        "completedAnHour": round(one.completed / hours, 3),
        "expectedTime": expected,
        "expectedTimeKept": None if expected is None else one.keeps_time(expected),
        "seconds": {stage: _quantiles(of) for stage, of in one.stages.items()},
    }


def _quantiles(of: Quantiles) -> dict[str, float]:
    return {
        "jobs": of.count,
        "p50": round(of.p50, 4),
        "p95": round(of.p95, 4),
        "p99": round(of.p99, 4),
    }
