"""Whether a PNG holds exactly the pixels that its header promises, found without keeping them.

Decoders fill the picture and leave it at that: what is missing stays black, and what is too much goes
unnoticed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ourvidz.plugins.init_images.header import InputInvalid

#: Samples of a pixel by colour type, and the bit depths that there are; PNG specification, 11.2.1.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = (1, 2, 4, 8, 16)

#: Interlacing: first column and row of each pass, and the steps between them; 8.2.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

#: Bytes that are inflated at a time.
_PIECE = 1 << 16


def check_png_data(name: str, data: bytes) -> None:
    """Raises InputInvalid for a PNG that is cut off, inflates to more than its header says, or moves."""
    expected = _expected_bytes(name, data)
    made = 0
    try:
        for size in _inflated(_data_chunks(name, data)):
            made += size
            if made > expected:
                raise InputInvalid(
                    f"{name}: the PNG inflates to more than the {expected} bytes that its header promises"
                )
    except zlib.error as error:
        raise InputInvalid(f"{name}: the PNG is damaged: {error}") from None
    if made < expected:
        raise InputInvalid(f"{name}: the PNG is cut off: {made} of {expected} bytes of pixels are there")


def _expected_bytes(name: str, data: bytes) -> int:
    """Bytes of all rows, each with its filter's byte in front."""
    try:
        width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
        bits = _SAMPLES[colour] * _DEPTHS[_DEPTHS.index(depth)]
    except (struct.error, KeyError, ValueError):
        raise InputInvalid(f"{name}: the PNG is damaged: its header makes no sense") from None
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for column, row, across, down in passes:
        columns, rows = -(-(width - column) // across), -(-(height - row) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _data_chunks(name: str, data: bytes) -> Iterator[memoryview]:
    """The compressed pixels, chunk by chunk. Raises InputInvalid before the last one is missing."""
    view, at = memoryview(data), 8
    while True:
        if at + 12 > len(data):
            raise InputInvalid(f"{name}: the PNG is cut off: it has no IEND chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise InputInvalid(f"{name}: the PNG is cut off in its chunk {kind!r}")
        if kind == b"acTL":
            raise InputInvalid(f"{name}: the PNG is an animation; save one frame of it as a picture")
        if kind == b"IEND":
            return
        if kind == b"IDAT":
            yield view[at + 8 : at + 8 + length]
        at += 12 + length


def _inflated(chunks: Iterator[memoryview]) -> Iterator[int]:
    """Sizes of the pieces that the chunks inflate to; never more than one piece is in memory."""
    inflate = zlib.decompressobj()
    for chunk in chunks:
        waiting: bytes | memoryview = chunk
        while True:
            piece = inflate.decompress(waiting, _PIECE)
            yield len(piece)
            waiting = inflate.unconsumed_tail
            if not waiting and len(piece) < _PIECE:
                break
