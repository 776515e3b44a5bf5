"""``ourvidz models``: checkpoints listed, checked, converted and built."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.model_checks import check_models, list_models
from ourvidz.cli.output import file_size, json_option, one_line, print_json
from ourvidz.cli.progress import ProgressLine, megabytes
from ourvidz.errors import NotFound
from ourvidz.spec.settings import ModelEntry, Precision

if TYPE_CHECKING:
    from ourvidz.plugins.family import ModelFamily


@click.group("models")
@place_options
def models(place: Invocation) -> None:
    """List, check, convert and build checkpoints."""


models.add_command(list_models)
models.add_command(check_models)


@models.command("convert")
@click.argument("family")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    help="Of the weights; default: bf16 for wan, the file's own for sdxl.",
)
@click.option(
    "--components",
    metavar="LOCATION",
    help="A folder or hub id with the tokenizers and settings that a single file lacks.",
)
@json_option
@place_options
def convert(
    place: Invocation,
    family: str,
    source: Path,
    folder: Path,
    precision: Precision | None,
    components: str | None,
    as_json: bool,
) -> None:
    """Bring the checkpoint SOURCE into the diffusers layout, as the new folder DIR.

    SOURCE is, for wan, a folder as WAN's authors publish it, and for sdxl a single .safetensors file.
    Memory stays bounded, whatever the size. DIR appears when it is complete, with a SHA256SUMS.
    Pickled files are read without running code in them, and here alone. Nothing is overwritten.
    What is wrong with DIR all the same is printed, and exits with 1.
    """
    from ourvidz.plugins.checkpoints.checking import inspect
    from ourvidz.plugins.checkpoints.digest import digest_of, file_digests
    from ourvidz.plugins.family import ConvertsCheckpoints

    chosen, converter = _able(place, family, ConvertsCheckpoints, "converts no checkpoint")
    with megabytes("converting") as progress:
        converter.convert(source, folder, precision=precision, components=components, progress=progress)
    entry = ModelEntry(family=chosen.name, location=str(folder.resolve()))
    seen = inspect(chosen, entry, Path.cwd())
    digest = digest_of(file_digests(seen.found)) if seen.found else None
    if as_json:
        print_json(
            {
                "family": chosen.name,
                "source": str(source),
                "folder": str(folder),
                "size": seen.size,
                "digest": digest,
                "problems": list(seen.problems),
            }
        )
    else:
        size = "" if seen.size is None else f", {file_size(seen.size)}"
        click.echo(f"{folder}: converted{size}")
        for problem in seen.problems:
            click.echo(f"  {one_line(problem)}")
        if digest is not None:
            click.echo(f"  digest: {digest}")
    sys.exit(1 if seen.problems else 0)


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

    chosen, maker = _able(place, family, MakesSmallCheckpoint, "makes no small checkpoint")
    line = ProgressLine()
    line.show("building")
    try:
        is_new = maker.write_small_checkpoint(folder, seed=seed)
    finally:
        line.clear()
    if as_json:
        print_json({"family": chosen.name, "folder": str(folder), "seed": seed, "built": is_new})
    else:
        click.echo(f"{folder}: {'built' if is_new else 'already there, unchanged'} (seed {seed})")


def _able(place: Invocation, name: str, ability: type[Any], lacks: str) -> tuple[ModelFamily[Any], Any]:
    """The family of this name, twice: as a family, and as what it is able to do.

    Raises NotFound with those that are able, and RequirementMissing.
    """
    from ourvidz.plugins.requirements import require
    from ourvidz.spec.identifiers import nearest

    families = place.plugins().families()
    able = [one for one, family in families.items() if isinstance(family, ability)]
    chosen = families.get(name.lower())
    if chosen is None or not isinstance(chosen, ability):
        what = lacks if chosen else "is not a model family"
        meant = nearest(name.lower(), able)
        hint = f"did you mean {meant}?" if meant else f"these do: {', '.join(able) or 'none'}"
        raise NotFound(f"{name} {what}; {hint}")
    require(chosen)
    return chosen, chosen
