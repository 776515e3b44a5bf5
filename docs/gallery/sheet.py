"""One picture of many small ones, each above the prompt that it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .making import Made

COLUMNS = 6

#: In pixels, as everything here.
SIDE = 224
MARGIN = 16
FONT_SIZE = 13
LINE = 17
LINES = 3

PAPER = (255, 255, 255)
INK = (40, 40, 40)

#: EXIF's tag ImageDescription.
DESCRIPTION = 0x010E


def draw_sheet(pictures: Sequence[Made]) -> Image.Image:
    """Draw all pictures in rows. Raises ValueError for a prompt that is too long to stand below one."""
    rows = -(-len(pictures) // COLUMNS)
    across, down = SIDE + MARGIN, SIDE + LINES * LINE + MARGIN
    sheet = Image.new("RGB", (COLUMNS * across + MARGIN, rows * down + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for number, one in enumerate(pictures):
        left, top = MARGIN + number % COLUMNS * across, MARGIN + number // COLUMNS * down
        with Image.open(one.path) as picture:
            sheet.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, top))
        lines = list(_lines(draw, one.prompt, font))
        if len(lines) > LINES:
            raise ValueError(f"{one.prompt!r} has {len(lines)} lines, expected at most {LINES}")
        for line, text in enumerate(lines):
            draw.text((left, top + SIDE + 5 + line * LINE), text, fill=INK, font=font)
    return sheet


def save_sheet(pictures: Sequence[Made], path: Path) -> None:
    """Draw a sheet into a JPEG file that says in its EXIF what it is from."""
    exif = Image.Exif()
    exif[DESCRIPTION] = origin({one.checkpoint for one in pictures}, [one.prompt for one in pictures])
    draw_sheet(pictures).save(path, quality=75, optimize=True, exif=exif)


def origin(checkpoints: Collection[str], prompts: Sequence[str]) -> str:
    """Which prompts a sheet shows, and the digests of what painted it: so that an old one is known."""
    digest = hashlib.sha256("\n".join(prompts).encode()).hexdigest()
    return json.dumps({"checkpoints": sorted(checkpoints), "prompts": f"sha256:{digest}"})


def _lines(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> Iterator[str]:
    """The words of a text in lines as wide as a picture."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and draw.textlength(longer, font=font) > SIDE:
            yield line
            longer = word
        line = longer
    yield line
