"""``python -m docs.gallery [--out FOLDER] [--update]``: make what gallery.yaml says, and a sheet of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import yaml

from ourvidz.errors import OurvidzError

from .making import make
from .sheet import save_sheet

HERE = Path(__file__).parent


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("data/gallery"))
@click.option("--update", is_flag=True, help="Write docs/gallery/sheet.jpg as well, which the README shows.")
def gallery(out: Path, update: bool) -> None:
    """Make everything that docs/gallery/gallery.yaml says, and print the paths."""
    prompts: dict[str, list[str]] = yaml.safe_load((HERE / "gallery.yaml").read_text(encoding="utf-8"))
    try:
        made = make(prompts, out)
    except OurvidzError as error:
        raise click.ClickException(str(error)) from error
    paths = [*(one.path for one in made), out / "sheet.jpg"]
    save_sheet([one for one in made if one.path.suffix == ".png"], paths[-1])
    if update:
        paths.append(Path(shutil.copyfile(paths[-1], HERE / "sheet.jpg")))
    for path in paths:
        click.echo(path)


if __name__ == "__main__":
    gallery()
