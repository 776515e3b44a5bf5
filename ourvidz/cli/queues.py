"""``ourvidz queues``: how full the queues are."""

from __future__ import annotations

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.jobs.estimates import queue_seconds
from ourvidz.runtime.client import Client


@click.command("queues")
@json_option
@place_options
def queues(place: Invocation, as_json: bool) -> None:
    """Show how many jobs wait and run in each queue, for how long, and how long a new one would wait."""
    project = place.open()
    with Client.open(project) as client:
        rows = [
            {
                "queue": depth.queue,
                "purpose": entry.purpose if (entry := project.catalog.queues.get(depth.queue)) else None,
                "waiting": sum(depth.waiting.values()),
                "waitingByJobType": dict(depth.waiting),
                "delayed": depth.delayed,
                "processing": depth.processing,
                "oldestSeconds": depth.oldest_seconds,
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
                f"{row['estimatedWait']:.0f} s",
                row["purpose"],
            )
            for row in rows
        ],
        empty="there are no queues",
    )
