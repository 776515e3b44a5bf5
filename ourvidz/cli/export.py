"""``ourvidz export-NAME``: one command for every exporter that plugins offer."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.deploy.generated import GeneratedFile
from ourvidz.plugins.exporters import Exporter


def export_command(exporter: Exporter) -> click.Command:
    """Make the command that writes and checks what an exporter generates."""
    default, *_ = exporter.formats
    name = f"export-{exporter.name}"
    committed = Path(exporter.path)

    @click.command(name, short_help=exporter.description)
    @click.option("--format", type=click.Choice([*exporter.formats]), default=default, show_default=True)
    @click.option(
        "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there, not to standard output."
    )
    @click.option(
        "--check",
        is_flag=True,
        help=f"Write nothing; compare FILE, by default {committed}, and exit 1 with a diff if it is stale.",
    )
    @json_option
    @place_options
    def export(place: Invocation, format: str, out: Path | None, check: bool, as_json: bool) -> None:
        if as_json and out is None and not check:
            raise click.UsageError(
                "--json says what became of a file, so it needs --out FILE or --check",
                click.get_current_context(),
            )
        project = place.open()
        text = exporter.formats[format](project.catalog)
        if out is None and not check:
            click.echo(text, nl=False)
            return
        if out is None and format != default:
            raise click.UsageError(
                f"--check of {format} needs --out FILE; {committed} holds {default}",
                click.get_current_context(),
            )
        path = out or _from_here(project.root / committed)
        options = ["--format", format] if format != default else []
        command = ["ourvidz", *place.arguments(), name, *options, "--out", str(path)]
        file = GeneratedFile(path=path, text=text, command=shlex.join(command))
        diff = file.diff() if check else ""
        is_new = not check and file.write()
        state = "stale" if diff else "written" if is_new else "fresh"
        if as_json:
            print_json({"path": str(path), "state": state} | ({"diff": diff} if check else {}))
        elif diff:
            click.echo(diff, nl=False)
        else:
            click.echo(f"{path} is {state}")
        if check:
            file.check()

    export.help = f"{exporter.description}\n\nIt is committed as {committed}."
    return export


def _from_here(path: Path) -> Path:
    """Shorten a path in the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
