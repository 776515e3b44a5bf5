"""How commands speak: tables for people, JSON for machines, errors on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import Any

import click

from ourvidz.errors import OurvidzError

#: Exit status of a command that looks for what is wrong, when something is left to mend.
FOUND = 5

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def take_any_text() -> None:
    """Let paths and prompts be printed that the terminal's encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "") -> None:
    """Print aligned columns; ``empty`` is what stands for no rows. None is shown as ``-``."""
    if not rows:
        click.echo(empty)
        return
    for line in table_lines(header, rows):
        click.echo(line)


def table_lines(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Aligned columns below their header. None is shown as ``-``."""
    cells = [[_cell(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print one name and its value a line. None is shown as ``-``."""
    for name, value in facts:
        click.echo(f"{name:<14}{_cell(value)}")


def local_time(seconds: float) -> str:
    """A time in seconds since the epoch on the clock of whoever reads it."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def file_size(size: int) -> str:
    """A number of bytes as file managers write it: ``340 kB``, ``5.1 MB``, ``6.9 GB``."""
    for unit, bytes_of_it in (("GB", 10**9), ("MB", 10**6)):
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.1f} {unit}"
    return f"{math.ceil(size / 1000)} kB"


def about(seconds: float) -> str:
    """An estimate, never more exact than it can be: ``about 1 s``, ``about 90 s``, ``about 5 min``."""
    return f"about {max(1, round(seconds))} s" if seconds < 120 else f"about {round(seconds / 60)} min"


def one_line(text: str) -> str:
    """One line of text that does nothing to a terminal, whoever wrote it."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _cell(value: object) -> str:
    return "-" if value is None else one_line(str(value))


def error_json(error: OurvidzError) -> dict[str, Any]:
    """An error for machines: its code, its message, and the problems of specs one by one."""
    from ourvidz.spec.problems import SpecInvalid

    described: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, SpecInvalid):
        described["problems"] = [problem.as_json() for problem in error.problems]
    return described


def report_error(error: OurvidzError, *, as_json: bool) -> None:
    """Print an error to standard error, for people or as JSON with its stable code."""
    if as_json:
        _print_error(error_json(error))
    else:
        click.echo(f"error: {error}", err=True)


def report_usage(error: click.ClickException, *, as_json: bool) -> None:
    """Print what was typed wrongly to standard error, for people with a hint where the help is."""
    if as_json:
        _print_error({"code": "usage", "message": error.format_message()})
    else:
        error.show()


def _print_error(described: dict[str, Any]) -> None:
    click.echo(json.dumps({"error": described}, ensure_ascii=False), err=True)
