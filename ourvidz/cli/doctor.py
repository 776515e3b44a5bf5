"""``ourvidz doctor``: what is missing for jobs to be made here, and what to do about it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import FOUND, json_option, print_json, print_table
from ourvidz.cli.progress import ProgressLine, megabytes
from ourvidz.deploy.doctor.examination import examine
from ourvidz.jobs.diagnosis import Diagnosis


@click.command("doctor")
@click.option(
    "--plugin", multiple=True, metavar="NAME", help="Families that work here; default: all of the job types."
)
@click.option(
    "--functions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The routing.ts of the deployed functions.",
)
@json_option
@place_options
def doctor(place: Invocation, plugin: tuple[str, ...], functions: Path | None, as_json: bool) -> None:
    """Look at everything that jobs need, and say what to do.

    Python, torch, GPU and disk; libraries and checkpoints, without loading them; queue, storage,
    callback, clock, and the deployed functions. Takes and tells no job. Of a checkpoint's files it reads
    what nobody has read since they changed. Exit status 0: nothing failed, though there may be
    warnings; 5: something did.
    """
    line = ProgressLine()
    diagnoses: list[Diagnosis] = []
    line.show("looking")
    try:
        for one in examine(place.open, families=plugin, functions=functions, reading=megabytes):
            diagnoses.append(one)
            line.show(f"looked at {one.check}")
    finally:
        line.clear()
    counts = Counter(one.health for one in diagnoses)
    if as_json:
        print_json({"healthy": not counts["failed"], "checks": [asdict(one) for one in diagnoses]})
    else:
        print_table(("check", "health", "found"), [row for one in diagnoses for row in _rows(one)])
        click.echo(f"{counts['failed']} failed, {counts['warning']} to look at, {counts['skipped']} skipped")
    sys.exit(FOUND if counts["failed"] else 0)


def _rows(one: Diagnosis) -> list[tuple[str, str, str]]:
    """A diagnosis in lines: what was found, and below it what to do."""
    first, *more = one.found.splitlines() or [""]
    rows = [(one.check, one.health, first)] + [("", "", text) for text in more]
    return rows + ([("", "", f"→ {one.remedy}")] if one.remedy else [])
