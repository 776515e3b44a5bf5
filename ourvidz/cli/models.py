"""``ourvidz models``: make checkpoints ready."""

from __future__ import annotations

from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json
from ourvidz.cli.progress import ProgressLine
from ourvidz.errors import NotFound


@click.group("models")
@place_options
def models(place: Invocation) -> None:
    """Make checkpoints ready."""


@models.command("make-small")
@click.argument("family")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random weights."
)
@json_option
@place_options
def make_small(place: Invocation, family: str, folder: Path, seed: int, as_json: bool) -> None:
    """Build a small checkpoint of random weights in DIR.

    It has every class of a real one, in the same layout, and makes abstract pictures in seconds on a
    CPU. The same seed gives the same bytes. Nothing is overwritten.
    """
    from ourvidz.plugins.family import MakesSmallCheckpoint
    from ourvidz.plugins.requirements import require
    from ourvidz.spec.identifiers import nearest

    families = place.plugins().families()
    able = [name for name, one in families.items() if isinstance(one, MakesSmallCheckpoint)]
    chosen: object = families.get(family.lower())
    if not isinstance(chosen, MakesSmallCheckpoint):
        what = "makes no small checkpoint" if chosen else "is not a model family"
        meant = nearest(family.lower(), able)
        hint = f"did you mean {meant}?" if meant else f"these do: {', '.join(able) or 'none'}"
        raise NotFound(f"{family} {what}; {hint}")
    require(families[family.lower()])
    line = ProgressLine()
    line.show("building")
    try:
        is_new = chosen.write_small_checkpoint(folder, seed=seed)
    finally:
        line.clear()
    if as_json:
        print_json({"family": family.lower(), "folder": str(folder), "seed": seed, "built": is_new})
    else:
        click.echo(f"{folder}: {'built' if is_new else 'already there, unchanged'} (seed {seed})")
