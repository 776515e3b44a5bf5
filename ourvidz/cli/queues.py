"""``ourvidz queues``: how full the queues are."""

from __future__ import annotations

from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import about, json_option, local_time, one_line, print_json, print_table
from ourvidz.jobs.estimates import queue_seconds
from ourvidz.jobs.stops import StoppedJobType
from ourvidz.runtime.client import Client


@click.command("queues")
@json_option
@place_options
def queues(place: Invocation, as_json: bool) -> None:
    """Show how full the queues are.

    How many jobs wait and run in each, how long the oldest has waited, and how long a new one would.
    And which job types a worker takes no jobs of for a while, since its model failed again and again.
    On a server also how many commands an idle worker of the queue sends in 30 days.
    """
    project = place.open()

    def queue_of(stop: StoppedJobType) -> str | None:
        known = project.catalog.job_types.get(stop.job_type)
        return known.queue if known else None

    with Client.open(project) as client:
        stops = client.queue.stops.list()
        rows: list[dict[str, Any]] = [
            {
                "queue": depth.queue,
                "purpose": entry.purpose if (entry := project.catalog.queues.get(depth.queue)) else None,
                "waiting": sum(depth.waiting.values()),
                "waitingByJobType": dict(depth.waiting),
                "delayed": depth.delayed,
                "processing": depth.processing,
                "oldestSeconds": depth.oldest_seconds,
                "commandsAMonth": client.queue.commands_a_month([depth.queue]),
                "estimatedWait": round(queue_seconds(client.queue, project.catalog, depth), 1),
                "stopped": [stopped_json(one) for one in stops if queue_of(one) == depth.queue],
            }
            for depth in client.depths()
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("queue", "waiting", "delayed", "processing", "oldest", "estimated wait", "purpose"),
        [
            (
                row["queue"],
                row["waiting"],
                row["delayed"],
                row["processing"],
                None if row["oldestSeconds"] is None else f"{row['oldestSeconds']:.0f} s",
                about(row["estimatedWait"]) if row["estimatedWait"] else "none",
                row["purpose"] or None,
            )
            for row in rows
        ],
        empty="there are no queues",
    )
    for one in stops:
        click.echo(stopped_text(one))
    for row in rows:
        if row["commandsAMonth"] is not None:
            click.echo(f"an idle worker of {row['queue']}: {row['commandsAMonth']:,} commands in 30 days")


def stopped_text(stop: StoppedJobType) -> str:
    """One line for people."""
    jobs = "a job" if stop.failures == 1 else f"{stop.failures} jobs in a row"
    return one_line(
        f"{stop.job_type} is stopped until {local_time(stop.until)} on {stop.worker}: "
        f"{jobs} failed, the last with {stop.reason.message} [{stop.reason.code}]"
    )


def stopped_json(stop: StoppedJobType) -> dict[str, Any]:
    """The same for machines, under the names of the other columns."""
    return {
        "jobType": stop.job_type,
        "worker": stop.worker,
        "failures": stop.failures,
        "error": stop.reason.model_dump(),
        "since": stop.since,
        "until": stop.until,
    }
