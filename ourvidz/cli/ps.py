"""``ourvidz ps`` and ``ourvidz reload``: speak to a running ``ourvidz up``."""

from __future__ import annotations

from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.cli.workers_view import workers_table
from ourvidz.errors import OurvidzError
from ourvidz.project import find_settings_path, project_root
from ourvidz.runtime.supervisor.control import ask


class ReloadRefused(OurvidzError):
    """The settings on the disk cannot be used; the workers go on by the old ones."""

    code = "reload_refused"


@click.command("ps")
@json_option
@place_options
def ps(place: Invocation, as_json: bool) -> None:
    """Show the workers that `ourvidz up` runs.

    From any terminal of the same user, in the same folder or with the same --config.
    """
    status = _ask(place, "ps")
    if as_json:
        print_json(status)
        return
    for line in workers_table(status["workers"]):
        click.echo(line)


@click.command("reload")
@json_option
@place_options
def reload(place: Invocation, as_json: bool) -> None:
    """Let `ourvidz up` go by changed settings.

    Every worker finishes its running job and is started anew; one that was broken is tried again. Workers
    read changed job types without this.
    """
    answer = _ask(place, "reload")
    if "error" in answer:
        raise ReloadRefused(f"{answer['error']['message']} [{answer['error']['code']}]; nothing has changed")
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{', '.join(answer['workers'])}: started anew after the running job")


def _ask(place: Invocation, command: str) -> dict[str, Any]:
    return ask(project_root(find_settings_path(place.config)), command)
