"""``ourvidz jobtypes``: list, show and start job types, and the schema that editors use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.errors import OurvidzError
from ourvidz.project import Project, find_settings_path
from ourvidz.spec.identifiers import check_identifier
from ourvidz.spec.job_type import ContentType, JobType
from ourvidz.spec.loading import read_settings, read_sources
from ourvidz.spec.lookup import find_place_for_new
from ourvidz.spec.scaffold import scaffold
from ourvidz.spec.schema import SCHEMA_NAME, job_type_schema, settings_schema
from ourvidz.spec.units import Resolution, format_seconds
from ourvidz.spec.wording import one_of_known


class AlreadyThere(OurvidzError):
    """A job type of this name exists."""

    code = "already_there"


@click.group("jobtypes")
@place_options
def jobtypes(place: Invocation) -> None:
    """List, show and start job types."""


@jobtypes.command("list")
@json_option
@place_options
def list_command(place: Invocation, as_json: bool) -> None:
    """List all job types."""
    job_types = place.open().catalog.job_types.values()
    if as_json:
        print_json([one.model_dump(mode="json") for one in job_types])
        return
    print_table(
        (
            "id",
            "worker",
            "makes",
            "resolution",
            "length",
            "steps",
            "guidance",
            "time",
            "bucket",
            "fallback",
            "status",
        ),
        [
            (
                one.id,
                one.worker,
                one.content_type,
                one.resolution,
                _length(one),
                one.steps,
                f"{one.guidance:g}",
                format_seconds(one.expected_time),
                one.storage_bucket,
                one.fallback,
                one.status,
            )
            for one in job_types
        ],
    )


@jobtypes.command("show")
@click.argument("id", metavar="ID")
@json_option
@place_options
def show_command(place: Invocation, id: str, as_json: bool) -> None:
    """Show one job type with all its defaults and what it refers to."""
    about = _describe(place.open(), id)
    if as_json:
        print_json(about)
        return
    for line in _lines(about):
        click.echo(line)


@jobtypes.command("schema")
@click.option("--settings", is_flag=True, help="The schema of ourvidz.yaml instead.")
@json_option
@place_options
def schema_command(place: Invocation, settings: bool, as_json: bool) -> None:
    """Print the JSON Schema of job types for editors."""
    del place, as_json  # it is the same everywhere, and JSON in any case
    print_json(settings_schema() if settings else job_type_schema())


@jobtypes.command("new")
@click.argument("id", metavar="ID")
@click.option("--worker", metavar="NAME", help="The model family; default: SDXL, or WAN for videos.")
@click.option("--content-type", type=click.Choice(get_args(ContentType)), default="image", show_default=True)
@json_option
@place_options
def new_command(
    place: Invocation, id: str, worker: str | None, content_type: ContentType, as_json: bool
) -> None:
    """Write a new job type, valid as it is and ready to be changed."""
    try:
        check_identifier(id)
    except ValueError as error:
        raise click.BadParameter(f"{id!r}: {error}", param_hint="'ID'") from None
    folder = find_place_for_new(place.jobtypes, os.environ)
    path = folder / f"{id}.yaml"
    _refuse_known(folder, path, id)
    family = (worker or ("WAN" if content_type == "video" else "SDXL")).lower()
    text = scaffold(id, worker=family, content_type=content_type, resolution=_resolution(place, family))
    is_first = not folder.exists()
    folder.mkdir(exist_ok=True)
    schema = folder / SCHEMA_NAME
    if not schema.exists():
        schema.write_text(json.dumps(job_type_schema(), indent=2) + "\n")
    with path.open("x") as file:
        file.write(text)
    if as_json:
        print_json({"id": id, "path": str(path), "isFirst": is_first})
        return
    click.echo(f"{path} is written")
    if is_first:
        click.echo(f"{folder} is new; here its job types count now, not those of the package")


def _refuse_known(folder: Path, path: Path, id: str) -> None:
    if path.exists():
        raise AlreadyThere(f"{path} exists; choose another name, or change the file")
    if folder.is_dir():
        for one in read_sources(folder, None).declarations:
            if one.id == id:
                raise AlreadyThere(f"{one.where} declares {id}; choose another name, or change it there")


def _resolution(place: Invocation, family: str) -> Resolution:
    """The first size of the family's model, or what most checkpoints without a list were trained on."""
    families = place.plugins().families()
    if family not in families:
        expected = one_of_known("expected a family that a plugin offers", family, families)
        raise click.BadParameter(f"{family!r}: {expected}", param_hint="'--worker'")
    settings = read_settings(find_settings_path(place.config)).settings
    sizes = settings.models.get(family, families[family].default_model).sizes
    return sizes[0] if sizes else Resolution(1024, 1024)


def _length(job_type: JobType) -> str | None:
    if job_type.frames is not None:
        return f"{job_type.frames} frames"
    return None if job_type.duration is None else format_seconds(job_type.duration)


def _lines(about: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Fields as a spec writes them, without those that say nothing."""
    for key, value in about.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        elif value not in (None, [], {}, ""):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{indent}{key}: {text}"


def _describe(project: Project, id: str) -> dict[str, Any]:
    catalog = project.catalog
    job_type = catalog[id]
    model = catalog.model_name(job_type)
    return {
        **job_type.model_dump(mode="json"),
        "batch": list(job_type.batch_sizes),
        "timeout": format_seconds(job_type.timeout_seconds),
        "display": {"name": job_type.display_name, "badge": job_type.display_badge},
        "model": {"name": model, **catalog.models[model].model_dump(mode="json")},
        "queue": {"name": job_type.queue, **catalog.queues[job_type.queue].model_dump(mode="json")},
        "storage_bucket": {
            "name": job_type.storage_bucket,
            **catalog.buckets[job_type.storage_bucket].model_dump(mode="json"),
        },
        "digest": job_type.digest,
    }
