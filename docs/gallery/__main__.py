"""``python -m docs.gallery [--out FOLDER]``: make what gallery.yaml says, and a sheet of its pictures."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from .making import make
from .sheet import draw_sheet, origin_of

HERE = Path(__file__).parent


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("data/gallery"))
def gallery(out: Path) -> None:
    """Make everything that docs/gallery/gallery.yaml says."""
    prompts: dict[str, list[str]] = yaml.safe_load((HERE / "gallery.yaml").read_text(encoding="utf-8"))
    made = make(prompts, out)
    pictures = [one for one in made if one.path.suffix == ".png"]
    draw_sheet(pictures).save(out / "sheet.webp", quality=80, method=6, exif=origin_of(pictures))
    for path in (*(one.path for one in made), out / "sheet.webp"):
        click.echo(path)


if __name__ == "__main__":
    gallery()
