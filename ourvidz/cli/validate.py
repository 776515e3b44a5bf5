"""``ourvidz validate``: every problem of every file in one report."""

from __future__ import annotations

import os
import sys

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.spec.lookup import Found, find_job_types, find_settings
from ourvidz.spec.problems import Problem, SpecInvalid


@click.command("validate")
@json_option
@place_options
def validate(place: Invocation, as_json: bool) -> None:
    """Check every job type and ourvidz.yaml. Exit status 1 if anything is wrong."""
    folder, settings = find_job_types(place.jobtypes, os.environ), find_settings(place.config, os.environ)
    problems: tuple[Problem, ...] = ()
    job_types: list[str] = []
    try:
        job_types = list(place.open().catalog.job_types)
    except SpecInvalid as error:
        problems = error.problems
    if as_json:
        print_json(
            {
                "valid": not problems,
                "jobTypesFolder": _place(folder),
                "settings": _place(settings) if settings else None,
                "jobTypes": job_types,
                "problems": [problem.as_json() for problem in problems],
            }
        )
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(_summary(len(job_types), len(problems)))
        click.echo(f"job types: {folder.path} ({folder.because})")
        click.echo(
            f"settings: {settings.path} ({settings.because})" if settings else "settings: the defaults"
        )
    if problems:
        sys.exit(SpecInvalid.exit_status)


def _place(found: Found) -> dict[str, str]:
    return {"path": str(found.path), "because": found.because}


def _summary(job_types: int, problems: int) -> str:
    if problems:
        return f"{problems} problem{'' if problems == 1 else 's'}"
    return f"{job_types} job type{'' if job_types == 1 else 's'}, no problem"
