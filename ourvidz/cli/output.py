"""How commands speak: tables for people, JSON for machines, errors on standard error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from ourvidz.errors import OurvidzError

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "") -> None:
    """Print aligned columns; ``empty`` is what stands for no rows. None is shown as ``-``."""
    if not rows:
        click.echo(empty)
        return
    cells = [[_cell(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def report_error(error: OurvidzError, *, as_json: bool) -> None:
    """Print an error to standard error, for people or as JSON with its stable code."""
    if as_json:
        click.echo(json.dumps({"error": {"code": error.code, "message": str(error)}}), err=True)
    else:
        click.echo(f"error: {error}", err=True)
