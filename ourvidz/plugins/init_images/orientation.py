"""Which way up a camera held a picture."""

from __future__ import annotations

import struct

#: The tag of EXIF 2.3, 4.6.4, and its type: one unsigned number of 16 bits.
_ORIENTATION, _SHORT = 0x0112, 3

#: As it is stored.
UPRIGHT = 1


def read_orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, that an EXIF block names; 1 where it names none that can be read.

    EXIF is a note beside the picture. A damaged one does not make the picture unreadable.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT
