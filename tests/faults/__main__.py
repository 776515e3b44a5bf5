"""``python -m tests.faults [--long] [--only TEXT] [--json FILE] [--keep FOLDER]``: run and judge all rows."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ourvidz.cli.progress import ProgressLine
from tests.faults.judge import Verdict
from tests.faults.report import as_json, write
from tests.faults.row import Row, complaints
from tests.faults.rows import Form, rows

#: Rows that run side by side, on two cores. In the short form they mostly wait.
AT_ONCE = {"short": 4, "long": 3}

LINE = "{row:<52} {queue:<7}{faults:>7}{acknowledged:>7}{lost:>6}{twice:>7}{extra_starts:>7}{recovery:>12}"
HEAD = LINE.format(
    row="",
    queue="queue",
    faults="faults",
    acknowledged="acked",
    lost="lost",
    twice="twice",
    extra_starts="extra",
    recovery="recovery",
)


@click.command()
@click.option("--long", "is_long", is_flag=True, help="More of everything, for the table in docs/faults.md.")
@click.option("--only", default="", metavar="TEXT", help="Rows whose name has this text in it.")
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path),
    help="Write what was found into this file; with --only, in place of the rows that have the names.",
)
@click.option("--keep", type=click.Path(path_type=Path), help="Leave what workers wrote in this new folder.")
def main(is_long: bool, only: str, file: Path | None, keep: Path | None) -> None:
    """Break everything that a job depends on. Exit status 1 if a job is lost or completed twice."""
    form: Form = "long" if is_long else "short"
    chosen = [row for row in rows(form) if only in row.name]
    if not chosen:
        raise click.ClickException(f"--only: no row has {only!r} in its name")
    if keep is not None and keep.exists():
        raise click.ClickException(f"--keep: {keep} is there already; name a folder that is not")
    earlier = json.loads(file.read_text())["rows"] if file is not None and only and file.exists() else []
    line = ProgressLine()
    found, wrong = [], []
    click.echo(HEAD)
    line.show("breaking things", 0, len(chosen))
    with TemporaryDirectory(prefix="ourvidz-faults-") as temporary, _threads(AT_ONCE[form]) as pool:
        folders = [(keep or Path(temporary)) / str(number) for number in range(len(chosen))]
        for row, (verdict, seconds) in zip(chosen, pool.map(_judge, chosen, folders), strict=True):
            told = as_json(row, verdict, seconds)
            line.clear()
            click.echo(_line(row, told))
            found.append(told)
            if file is not None:
                write(file, form, found, into=earlier)
            line.show("breaking things", len(found), len(chosen))
            wrong += [f"{row.name}, {row.kind}: {one}" for one in complaints(row, verdict)]
    line.clear()
    for complaint in wrong:
        click.echo(complaint, err=True)
    sys.exit(1 if wrong else 0)


@contextmanager
def _threads(size: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for rows. Whoever breaks off waits for those that run, and starts no more."""
    pool = ThreadPoolExecutor(size)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _judge(row: Row, folder: Path) -> tuple[Verdict, float]:
    start = time.monotonic()
    return row.judged(folder), time.monotonic() - start


def _line(row: Row, told: dict[str, object]) -> str:
    longest = told["recovery_longest"]
    recovery = "never" if told["lost"] else "" if longest is None else f"{longest} s"
    return LINE.format(**(told | {"row": row.name[:52], "recovery": recovery}))


if __name__ == "__main__":
    main()
