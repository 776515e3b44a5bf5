"""``ourvidz export-NAME``: one command for every exporter that plugins offer."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.deploy.generated import GeneratedFile, read_folder
from ourvidz.plugins.exporters import Exporter
from ourvidz.spec.catalog import Catalog


def export_command(exporter: Exporter) -> click.Command:
    """Make the command that writes and checks what an exporter generates."""
    if exporter.next_files is None:
        return _file_command(exporter)
    return _folder_command(exporter, exporter.next_files)


def _file_command(exporter: Exporter) -> click.Command:
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


def _folder_command(
    exporter: Exporter, next_files: Callable[[Catalog, Mapping[str, str]], Mapping[str, str]]
) -> click.Command:
    name = f"export-{exporter.name}"
    committed = Path(exporter.path)

    @click.command(name, short_help=exporter.description)
    @click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help="Add the files to this folder."
    )
    @click.option(
        "--check",
        is_flag=True,
        help="Write nothing; exit 1 and show the files that the folder lacks, if any.",
    )
    @json_option
    @place_options
    def export(place: Invocation, out: Path | None, check: bool, as_json: bool) -> None:
        project = place.open()
        folder = out or _from_here(project.root / committed)
        command = shlex.join(["ourvidz", *place.arguments(), name, *(["--out", str(out)] if out else [])])
        files = [
            GeneratedFile(path=folder / name, text=text, command=command)
            for name, text in next_files(project.catalog, read_folder(folder)).items()
        ]
        diff = "".join(file.diff() for file in files) if check else ""
        if not check:
            for file in files:
                file.write()
        state = "fresh" if not files else "stale" if check else "written"
        if as_json:
            named = {"path": str(folder), "state": state, "files": [file.path.name for file in files]}
            print_json(named | ({"diff": diff} if check else {}))
        elif diff:
            click.echo(diff, nl=False)
        else:
            for path in [file.path for file in files] or [folder]:
                click.echo(f"{path} is {state}")
        if check:
            for file in files:
                file.check()

    export.help = (
        f"{exporter.description}\n\nThey are added to {committed}, where something has changed; files that "
        "are there already stay as they are."
    )
    return export


def _from_here(path: Path) -> Path:
    """Shorten a path in the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
