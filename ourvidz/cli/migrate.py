"""``ourvidz migrate``: what the migrations leave to be done on the database itself."""

from __future__ import annotations

import os
import sys
from contextlib import closing

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import FOUND, json_option, print_json, print_table
from ourvidz.cli.progress import ProgressLine
from ourvidz.deploy.generated import read_folder
from ourvidz.export.migration import FOLDER
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.client_libraries import client_needed


@click.group("migrate")
@place_options
def migrate(place: Invocation) -> None:
    """Look after the platform's database.

    Its address is in SUPABASE_DB_URL.
    """


@migrate.command("backfill")
@click.option(
    "--batch", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows of a transaction."
)
@json_option
@place_options
def backfill(place: Invocation, batch: int, as_json: bool) -> None:
    """Fill in what old rows lack, however many there are.

    Commits after every batch; it may be stopped and begun anew. Exit status 0: no row lacks anything;
    5: some do, since somebody held them.
    """
    with client_needed("supabase"):
        from ourvidz.deploy.migrate import Database
    files = read_folder(place.open().root / FOLDER)
    line = ProgressLine()
    looked = changed = 0
    with Database.open(os.environ, files) as database:
        rows = database.rows()
        try:
            for some, of_them in database.backfill(batch):
                looked, changed = looked + some, changed + of_them
                line.show("rows", min(looked, rows), rows)
        finally:
            line.clear()
        left = database.unfilled()
    if as_json:
        print_json({"changed": changed, "left": left})
    else:
        again = "; run it again" if left else ""
        click.echo(f"{changed} rows changed, {left} left{again}")
    sys.exit(FOUND if left else 0)


@migrate.command("check")
@json_option
@place_options
def check(place: Invocation, as_json: bool) -> None:
    """Say which jobs are in the way of the migrations, and which rules of yours open what ours close.

    Exit status 0: no file will be refused; 5: a job type that is not valid any more still has jobs.
    """
    with client_needed("supabase"):
        from ourvidz.deploy.migrate import Database
    from ourvidz.export.migration.files import contracted

    project = place.open()
    files = read_folder(project.root / FOLDER)
    with Database.open(os.environ, files) as database, closing(open_queue(project)) as queue:
        obstacles = database.obstacles(contracted(files), queue)
        warnings = database.warnings()
    if as_json:
        print_json(
            {
                "obstacles": [
                    {"jobType": one.job_type, "rows": one.rows, "jobs": one.jobs} for one in obstacles
                ],
                "warnings": warnings,
            }
        )
    else:
        print_table(
            ("job type", "unfinished rows", "jobs in the queue"),
            [(one.job_type, one.rows, one.jobs) for one in obstacles],
            empty="nothing is in the way",
        )
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
    sys.exit(FOUND if obstacles else 0)
