"""``ourvidz plugins``: what is loaded, from where, and whether its libraries are there."""

from __future__ import annotations

from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.plugins.discovery import LoadedPlugin
from ourvidz.plugins.manager import Plugins
from ourvidz.plugins.requirements import check_requirements, install_command


@click.command("plugins")
@json_option
@place_options
def plugins(place: Invocation, as_json: bool) -> None:
    """List what is loaded, from where, and what is missing."""
    loaded = place.plugins()
    rows = [_row(loaded, plugin) for plugin in loaded.loaded]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("plugin", "offers", "from", "requirements"),
        [(row["name"], ", ".join(row["offers"]), row["origin"], _in_words(row)) for row in rows],
    )
    unmet = [name for row in rows for name in row["families"] if not row["met"]]
    for name in unmet:
        click.echo(f"\n{name}: {install_command(loaded.families()[name])}")


def _row(loaded: Plugins, plugin: LoadedPlugin) -> dict[str, Any]:
    offers = loaded.offers(plugin)
    families = [offer.name for offer in offers if offer.kind == "model family"]
    requirements = [
        {"requirement": one.requirement, "installed": one.installed, "met": one.met}
        for name in families
        for one in check_requirements(loaded.families()[name].requirements)
    ]
    return {
        "name": plugin.name,
        "origin": plugin.origin,
        "offers": [str(offer) for offer in offers],
        "families": families,
        "requirements": requirements,
        "met": all(one["met"] for one in requirements),
    }


def _in_words(row: dict[str, Any]) -> str | None:
    if not row["requirements"]:
        return None
    missing = [one for one in row["requirements"] if not one["met"]]
    return "missing " + ", ".join(one["requirement"] for one in missing) if missing else "met"
