"""A contact sheet of scenes drawn by lot."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click
import torch
from PIL import Image

from training.world.captions import describe
from training.world.drawing_lots import scenes
from training.world.render import render

#: Between pictures, in pixels.
GAP = 8


def contact_sheet(pictures: torch.Tensor | Sequence[torch.Tensor], columns: int) -> Image.Image:
    """Pictures (3×H×W each, all of one size, from 0 to 1) in rows of ``columns``."""
    height, width = pictures[0].shape[1:]
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), "white")
    for index, picture in enumerate(pictures):
        down, across = divmod(index, columns)
        sheet.paste(to_image(picture), (GAP + across * (width + GAP), GAP + down * (height + GAP)))
    return sheet


def to_image(picture: torch.Tensor) -> Image.Image:
    """A picture, 3×H×W from 0 to 1, in eight bits per channel."""
    levels = (picture.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


@click.command()
@click.option("--seed", default=0, show_default=True)
@click.option("--rows", default=4, show_default=True, type=click.IntRange(min=1))
@click.option("--columns", default=6, show_default=True, type=click.IntRange(min=1))
@click.option("--size", default=256, show_default=True, type=click.IntRange(min=8), help="Side of a picture.")
@click.argument("out", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def preview(seed: int, rows: int, columns: int, size: int, out: Path) -> None:
    """Paint scenes drawn by lot into OUT, and print their captions."""
    lots = random.Random(seed)
    drawn = list(islice(scenes(seed), rows * columns))
    contact_sheet([render([scene], size, size)[0] for scene in drawn], columns).save(out)
    for index, scene in enumerate(drawn):
        row, column = divmod(index, columns)
        click.echo(f"{row + 1}.{column + 1}  {describe(scene, lots).text}")
