"""``ourvidz storage``: what lies in the buckets."""

from __future__ import annotations

from contextlib import ExitStack

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.runtime.backends import open_queue, open_storage
from ourvidz.runtime.storage.sweeping import losers, sweep


@click.group("storage")
@place_options
def storage(place: Invocation) -> None:
    """Look after what is stored."""


@storage.command("sweep")
@click.option("--apply", is_flag=True, help="Delete them.")
@json_option
@place_options
def sweep_command(place: Invocation, apply: bool, as_json: bool) -> None:
    """List what lost: objects of ended jobs that no result refers to.

    A worker that was killed or overtaken leaves such objects behind. Jobs that wait or run, and jobs
    that the queue does not know, keep everything.
    """
    project = place.open()
    with ExitStack() as stack:
        objects, queue = open_storage(project), open_queue(project)
        stack.callback(objects.close)
        stack.callback(queue.close)
        keys = []
        for key in (sweep if apply else losers)(objects, queue, project.catalog):
            keys.append(str(key))
            if not as_json:
                click.echo(str(key))
    if as_json:
        print_json({"objects": keys, "deleted": apply})
        return
    count = f"{len(keys)} object" + ("" if len(keys) == 1 else "s")
    hint = "; --apply deletes" if keys and not apply else ""
    click.echo(f"{count} deleted" if apply else f"{count} of claims that did not win{hint}")
