"""``ourvidz status``, ``jobs``, ``cancel`` and ``retry``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import about, json_option, local_time, print_facts, print_json, print_table
from ourvidz.errors import NotFound
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import FINAL, JobState, Reason
from ourvidz.project import Project
from ourvidz.runtime.client import Client, JobStatus
from ourvidz.runtime.result_places import project_places
from ourvidz.spec.identifiers import nearest


@click.command("status")
@click.argument("job_id")
@json_option
@place_options
def status(place: Invocation, job_id: str, as_json: bool) -> None:
    """Show one job: its state, progress and results."""
    project = place.open()
    with Client.open(project) as client:
        found = client.status(job_id)
    if as_json:
        print_json(status_json(project, found))
    else:
        print_facts([("job", found.job_id), *status_facts(project, found)])


@click.command("jobs")
@click.option("--state", type=click.Choice(get_args(JobState)), help="Only jobs in this state.")
@click.option("--queue", metavar="NAME", help="Only jobs of this queue.")
@click.option("--jobtype", metavar="ID", help="Only jobs of this type.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@place_options
def jobs(
    place: Invocation,
    state: JobState | None,
    queue: str | None,
    jobtype: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List jobs, newest first."""
    project = place.open()
    with Client.open(project) as client:
        found = client.jobs(state=state, queue=queue, job_type=jobtype, limit=limit)
        if not found:
            check_known("queue", queue, [depth.queue for depth in client.depths()])
            check_known("job type", jobtype, project.catalog.job_types)
    if as_json:
        print_json([one.as_json() for one in found])
        return
    rows = [
        (
            one.job_id,
            one.effective_job_type,
            one.status,
            one.queue_position,
            f"{one.progress.step}/{one.progress.steps}" if one.progress and one.progress.steps else None,
            local_time(one.submitted_at),
            one.error.code if one.error else None,
        )
        for one in found
    ]
    print_table(
        ("job", "type", "state", "position", "step", "submitted", "error"), rows, empty="there are no jobs"
    )


@click.command("cancel")
@click.argument("job_id")
@json_option
@place_options
def cancel(place: Invocation, job_id: str, as_json: bool) -> None:
    """Stop a job, waiting or running.

    A waiting one ends at once, a running one at its next step.
    """
    with Client.open(place.open()) as client:
        state = client.queue.cancel(job_id)
    if as_json:
        print_json({"jobId": job_id, "status": state})
    else:
        click.echo("cancelled" if state == "cancelled" else "asked to stop; it ends at its next step")


@click.command("retry")
@click.argument("job_id")
@json_option
@place_options
def retry(place: Invocation, job_id: str, as_json: bool) -> None:
    """Queue a failed or cancelled job again."""
    with Client.open(place.open()) as client:
        client.queue.retry(job_id)
    if as_json:
        print_json({"jobId": job_id, "status": "queued"})
    else:
        click.echo(f"{job_id} is queued again")


def check_known(kind: str, name: str | None, known: Collection[str]) -> None:
    """Tell a name that was mistyped from one that nothing was found for. Raises NotFound."""
    if name is None or name in known:
        return
    meant = nearest(name, known)
    hint = f"did you mean {meant}?" if meant else f"known: {', '.join(known) or 'none'}"
    raise NotFound(f"there is no {kind} {name!r}; {hint}")


def status_json(project: Project, status: JobStatus) -> dict[str, Any]:
    """One job for machines, with the places of its results."""
    return status.as_json() | {"places": _places(project, status)}


def status_facts(project: Project, status: JobStatus) -> list[tuple[str, object]]:
    """One job for people, its id left out, with the places of its results."""
    facts: list[tuple[str, object]] = [
        ("type", status.job_type),
        ("state", status.status),
        ("worker", status.worker_type),
        ("attempt", status.attempt),
    ]
    if status.effective_job_type != status.job_type:
        facts.append(("made as", status.effective_job_type))
    if status.queue_position is not None:
        facts.append(("position", status.queue_position))
    if status.stopped_on:
        workers = ", ".join(status.stopped_on)
        facts.append(("stopped", f"on {workers}, since its model keeps failing; see `ourvidz queues`"))
    if status.status in ("queued", "processing"):
        facts.append(("done in", about(status.estimated_time)))
    if status.progress is not None:
        progress = status.progress
        counted = f" {progress.step}/{progress.steps}" if progress.steps else ""
        facts.append(("progress", f"{progress.stage}{counted}"))
    if status.error is not None:
        facts.append(("error", _said(status.error)))
        if status.error.before is not None:
            facts.append(("before", f"{status.job_type}: {_said(status.error.before)}"))
    if status.result is not None:
        facts += _result_facts(status.result)
    name = "record" if status.result is None else "result"
    return facts + [("" if index else name, place) for index, place in enumerate(_places(project, status))]


def _said(reason: Reason) -> str:
    return f"{reason.message} [{reason.code}]"


def _result_facts(result: Result) -> list[tuple[str, object]]:
    """What was made, and what it took; nothing of what was not measured."""
    facts: list[tuple[str, object]] = []
    if result.fallback is not None:
        facts.append(("because", f"{result.job_type}: {_said(result.fallback.because)}"))
        if result.fallback.dropped:
            dropped = ", ".join(f"{name}={value}" for name, value in result.fallback.dropped.items())
            facts.append(("dropped", f"{dropped}, which {result.effective_job_type} does not take"))
    if result.assets:
        one, count = result.assets[0], len(result.assets)
        length = "" if one.duration is None else f", {one.frames} frames in {one.duration:.2f} s"
        what = one.type if count == 1 else f"{count} {one.type}s,"
        facts.append(("made", f"{what} {one.width}x{one.height}{length}"))
    if result.profile is not None:
        facts.append(("profile", f"{result.profile}, which makes less than the job type says"))
    facts.append(("took", ", ".join(f"{stage} {time:.1f} s" for stage, time in result.seconds.items())))
    if result.peak_memory is not None:
        facts.append(("GPU memory", f"{result.peak_memory / 1e9:.1f} GB at most"))
    return facts


def _places(project: Project, status: JobStatus) -> list[str]:
    """Where an ended job's results and record are; before, there are those of an earlier start at most."""
    return project_places(project, status.job_id, status.result) if status.status in FINAL else []
