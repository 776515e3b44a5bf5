"""Picture files, sound and broken, written byte by byte or with Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Samples of a pixel by PNG's colour types.
SAMPLES = {"grey": 1, "rgb": 3, "palette": 1, "grey_alpha": 2, "rgb_alpha": 4}
COLOUR_TYPES = {"grey": 0, "rgb": 2, "palette": 3, "grey_alpha": 4, "rgb_alpha": 6}

Rows = Sequence[Sequence[int]]
"""Samples, row by row."""


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(
    width: int, height: int, *, depth: int = 8, colour: str = "rgb", interlaced: bool = False
) -> bytes:
    return chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, COLOUR_TYPES[colour], 0, 0, interlaced)
    )


def packed(rows: Rows, depth: int) -> bytes:
    """Rows as PNG has them before compression, each without a filter."""
    return b"".join(b"\0" + _packed_row(row, depth) for row in rows)


def png(
    rows: Rows,
    *,
    colour: str,
    depth: int = 8,
    interlaced: bool = False,
    before: Iterable[bytes] = (),
    data: bytes | None = None,
) -> bytes:
    """A PNG of these samples; ``before`` are chunks in front of the pixels, ``data`` replaces the pixels."""
    width = len(rows[0]) // SAMPLES[colour]
    pixels = _passes(rows, SAMPLES[colour], depth) if interlaced else packed(rows, depth)
    return b"".join(
        (
            SIGNATURE,
            header(width, len(rows), depth=depth, colour=colour, interlaced=interlaced),
            *before,
            chunk(b"IDAT", zlib.compress(pixels if data is None else data)),
            chunk(b"IEND", b""),
        )
    )


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int, order: str = ">", *, kind: str = "H") -> bytes:
    """An EXIF block with nothing but an orientation, of type SHORT (H) or LONG (I)."""
    mark = {">": b"MM\0*", "<": b"II*\0"}[order]
    entry = struct.pack(f"{order}HHI", 0x0112, {"H": 3, "I": 4}[kind], 1)
    value = struct.pack(order + kind, orientation).ljust(4, b"\0")
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + value + b"\0\0\0\0"


def landscape(width: int, height: int) -> Image.Image:
    """Sky, sun and hills: a picture that is another one turned, mirrored or in other proportions."""
    from PIL import ImageDraw

    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        light = 150 * y // height
        draw.line([(0, y), (width, y)], fill=(60 + light, 110 + light // 2, 220 - light // 2))
    draw.ellipse([width * 0.65, height * 0.12, width * 0.85, height * 0.35], fill=(255, 240, 180))
    draw.polygon([(0, height * 0.5), (width * 0.4, height * 0.9), (0, height)], fill=(60, 70, 90))
    draw.rectangle([0, height * 0.8, width, height], fill=(30, 70, 40))
    return picture


def _packed_row(row: Sequence[int], depth: int) -> bytes:
    if depth == 16:
        return struct.pack(f">{len(row)}H", *row)
    bits = "".join(format(sample, f"0{depth}b") for sample in row)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _passes(rows: Rows, samples: int, depth: int) -> bytes:
    """Adam7: first column and row of each pass, and its steps."""
    made = b""
    for x, y, dx, dy in (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
        *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ):
        for row in rows[y::dy]:
            pixels = [row[at : at + samples] for at in range(0, len(row), samples)][x::dx]
            if pixels:
                made += packed([[sample for pixel in pixels for sample in pixel]], depth)
    return made
