"""``ourvidz reconcile``: what the platform's job table, the queue and storage do not agree about."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import FOUND, json_option, one_line, print_json, print_table
from ourvidz.deploy.reconcile.comparing import Comparison, QueueUnrelated
from ourvidz.deploy.reconcile.findings import Bounded, Finding
from ourvidz.runtime.backends import open_queue, open_storage
from ourvidz.runtime.builtin_backends.supabase import open_job_table
from ourvidz.spec.units import parse_seconds

PARTS: dict[str, Callable[[Comparison], Iterator[Finding]]] = {
    "rows": Comparison.rows,
    "jobs": Comparison.jobs,
    "objects": Comparison.objects,
}


@click.command("reconcile")
@click.option("--apply", is_flag=True, help="Mend what is found.")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Look at these; may be repeated.")
@click.option(
    "--grace",
    default="15min",
    show_default=True,
    metavar="TIME",
    help="Leave alone what is younger: it may be on its way.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="List and mend so many of each kind at most.",
)
@click.option("--new-queue", is_flag=True, help="Mend also if no job of the queue has a row yet.")
@json_option
@place_options
def reconcile(
    place: Invocation,
    apply: bool,
    only: tuple[str, ...],
    grace: str,
    limit: int,
    new_queue: bool,
    as_json: bool,
) -> None:
    """Compare the platform's job table with queue and storage.

    Finds rows that say queued or processing without a job behind them, rows that have not heard of
    their job's end, jobs without a row, and objects of claims that did not win. Exit status 0: nothing
    is left to mend; 5: something is.
    """
    before = time.time() - _seconds(grace)
    project = place.open()
    with ExitStack() as stack:
        table = open_job_table(os.environ)
        stack.callback(table.close)
        queue = open_queue(project)
        stack.callback(queue.close)
        storage = open_storage(project)
        stack.callback(storage.close)
        comparison = Comparison(
            table=table, queue=queue, storage=storage, catalog=project.catalog, before=before
        )
        report = _Report(comparison, Bounded(limit), apply=apply)
        try:
            comparison.check_related()
        except QueueUnrelated as error:
            if apply and not new_queue:
                raise
            report.warning = None if new_queue else str(error)
        try:
            for part, findings in PARTS.items():
                if not only or part in only:
                    report.look(findings(comparison))
        finally:
            # What was mended before an error is not kept from whoever reads.
            if as_json:
                report.print_json()
            else:
                report.print()
    sys.exit(FOUND if report.is_something_left else 0)


@dataclass(slots=True)
class _Report:
    comparison: Comparison
    bounded: Bounded
    apply: bool
    warning: str | None = None
    listed: list[tuple[Finding, str]] = field(default_factory=list)
    """Each with its outcome: found, mended, or gone if it needed no mending any more."""

    def look(self, findings: Iterator[Finding]) -> None:
        """List what is found, and mend it where that was asked for."""
        for finding in self.bounded.of(findings):
            outcome = "found"
            if self.apply:
                outcome = "mended" if finding.mend() else "gone"
            self.listed.append((finding, outcome))

    @property
    def is_something_left(self) -> bool:
        return self.bounded.left > 0 or any(outcome == "found" for _, outcome in self.listed)

    def print_json(self) -> None:
        print_json(
            {
                "findings": [
                    {
                        "kind": one.kind,
                        "about": one.about,
                        "found": one.found,
                        "remedy": one.remedy,
                        "outcome": outcome,
                    }
                    for one, outcome in self.listed
                ],
                "counts": dict(self.bounded.counts),
                "left": self.bounded.left,
                "foreignRows": dict(self.comparison.foreign),
                "warning": self.warning,
            }
        )

    def print(self) -> None:
        print_table(
            ("kind", "job or object", "found", "remedy", "outcome"),
            [(one.kind, one.about, one.found, one.remedy, outcome) for one, outcome in self.listed],
            empty="nothing to mend",
        )
        if self.listed:
            click.echo(self._summary())
        for name, count in sorted(self.comparison.foreign.items()):
            click.echo(
                f"passed over: {_rows(count)} of {one_line(name) or 'no job type'}, not in the catalog"
            )
        if self.warning is not None:
            click.echo(f"warning: {self.warning}", err=True)

    def _summary(self) -> str:
        count = len(self.listed)
        more = f", {self.bounded.left} more: run it again" if self.bounded.left else ""
        if self.apply:
            gone = sum(outcome == "gone" for _, outcome in self.listed)
            return f"{count - gone} mended" + (f", {gone} needed it no more" if gone else "") + more
        return f"{count + self.bounded.left} to mend; --apply mends"


def _rows(count: int) -> str:
    return f"{count} open row" + ("" if count == 1 else "s")


def _seconds(grace: str) -> float:
    try:
        return parse_seconds(grace)
    except ValueError as error:
        raise click.BadParameter(f"found {grace!r}, {error}", param_hint="'--grace'") from None
