"""``ourvidz status``, ``jobs``, ``cancel`` and ``retry``."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.jobs.states import JobState
from ourvidz.project import Project
from ourvidz.runtime.client import Client, JobStatus
from ourvidz.runtime.places import project_places


@click.command("status")
@click.argument("job_id")
@json_option
@place_options
def status(place: Invocation, job_id: str, as_json: bool) -> None:
    """Show one job: its state, place in the queue, progress, and where its results are."""
    project = place.open()
    with Client.open(project) as client:
        print_status(project, client.status(job_id), as_json=as_json)


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
    with Client.open(place.open()) as client:
        found = client.jobs(state=state, queue=queue, job_type=jobtype, limit=limit)
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
            datetime.fromtimestamp(one.submitted_at).strftime("%Y-%m-%d %H:%M:%S"),
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
    """Stop a job: a waiting one ends at once, a running one at its next step."""
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


def print_status(project: Project, status: JobStatus, *, as_json: bool) -> None:
    """Print one job for people or machines, with the places of its results."""
    places = project_places(project, status.job_id, status.result)
    if as_json:
        print_json(status.as_json() | {"places": places})
        return
    rows: list[tuple[str, object]] = [
        ("job", status.job_id),
        ("type", status.job_type),
        ("state", status.status),
        ("worker", status.worker_type),
        ("attempt", status.attempt),
    ]
    if status.effective_job_type != status.job_type:
        rows.append(("made as", status.effective_job_type))
    if status.queue_position is not None:
        rows.append(("position", status.queue_position))
    if status.status in ("queued", "processing"):
        rows.append(("done in about", f"{status.estimated_time:.0f} s"))
    if status.status == "processing" and status.progress is not None:
        progress = status.progress
        rows.append(("progress", f"{progress.stage} {progress.step}/{progress.steps}"))
    if status.error is not None:
        rows.append(("error", f"{status.error.message} [{status.error.code}]"))
    rows += [("result" if index == 0 else "", path) for index, path in enumerate(places)]
    for name, value in rows:
        click.echo(f"{name:<14}{'-' if value is None else value}")
