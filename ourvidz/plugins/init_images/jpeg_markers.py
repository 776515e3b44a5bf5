"""The segments of a JPEG file: where its size stands, and how many scans it is made of. ITU-T T.81, B.1."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

#: Frame headers, which have the size: SOF0 to SOF15 without DHT, JPG and DAC.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9

#: Without a length behind them: TEM, RST0 to RST7, SOI.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})

#: In a scan's data 0xFF is followed by 0 or by RST0 to RST7; anything else begins the next segment.
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class NoMarker(Exception):
    """Something else stands where a marker has to."""


def markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Each marker up to the end of the image, with the position behind it.

    What cameras append there, a second picture or a video, is not looked at. Raises NoMarker,
    IndexError and struct.error where the file ends too early.
    """
    at = 2
    while True:
        if data[at] != 0xFF:
            raise NoMarker
        while data[at] == 0xFF:
            at += 1
        marker, at = data[at], at + 1
        yield marker, at
        if marker == END_OF_IMAGE:
            return
        if marker in _BARE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        at += max(2, length)
        if marker == START_OF_SCAN:
            following = _NEXT.search(data, at)
            if following is None:
                raise NoMarker
            at = following.start()


def count_scans(data: bytes, *, limit: int) -> int:
    """How often the picture is decoded over, counted up to ``limit`` or to where the file is damaged."""
    count = 0
    try:
        for marker, _ in markers(data):
            count += marker == START_OF_SCAN
            if count == limit:
                break
    except (NoMarker, IndexError, struct.error):
        return count
    return count
