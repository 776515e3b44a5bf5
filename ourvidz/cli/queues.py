"""``ourvidz queues``: how full the queues are."""

from __future__ import annotations

from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import about, json_option, print_json, print_table
from ourvidz.jobs.estimates import queue_seconds
from ourvidz.runtime.client import Client


@click.command("queues")
@json_option
@place_options
def queues(place: Invocation, as_json: bool) -> None:
    """Show how full the queues are.

    How many jobs wait and run in each, how long the oldest has waited, and how long a new one would.
    On a server also how many commands an idle worker of the queue sends in 30 days.
    """
    project = place.open()
    with Client.open(project) as client:
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
    for row in rows:
        if row["commandsAMonth"] is not None:
            click.echo(f"an idle worker of {row['queue']}: {row['commandsAMonth']:,} commands in 30 days")
