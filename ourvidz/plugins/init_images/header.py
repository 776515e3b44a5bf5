"""What the first bytes of a file say: its type, and how large the picture is. Nothing is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ourvidz.errors import RequestInvalid
from ourvidz.plugins.file_types import describe, detect
from ourvidz.plugins.init_images import jpeg_markers
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.units import format_bytes


class InputInvalid(RequestInvalid):
    """An input that is no picture, is damaged, or is larger than the job type allows."""

    code = "input_invalid"


@dataclass(frozen=True, slots=True)
class Header:
    """Type and size of a picture as its header has them, before any rotation."""

    mime: str
    width: int
    height: int


class _Broken(Exception):
    """The header is not what its format demands."""


def read_header(name: str, data: bytes, rules: InitImage) -> Header:
    """Read type and size, and hold both and the file's size against the job type's rules.

    The file's name and its declared type do not count. ``name`` is what messages call the file.
    Raises InputInvalid.
    """
    if len(data) > rules.max_size:
        allowed = format_bytes(rules.max_size)
        raise InputInvalid(f"{name}: found a file of more than {allowed}, expected that at most")
    mime = detect(data)
    if mime is None or mime not in _SIZES:
        raise InputInvalid(f"{name}: found {describe(data)}, expected a PNG, JPEG or WebP picture")
    try:
        width, height = _SIZES[mime](data)
    except (_Broken, struct.error, IndexError) as error:
        why = str(error) if isinstance(error, _Broken) else "it ends in its header"
        raise InputInvalid(f"{name}: the {kind(mime)} is damaged: {why}") from None
    if not width or not height:
        raise InputInvalid(f"{name}: the {kind(mime)} is damaged: it is {width}x{height} pixels large")
    if width * height > rules.max_pixels:
        raise InputInvalid(
            f"{name}: {width}x{height} are {width * height} pixels, expected at most {rules.max_pixels}; "
            "make it smaller"
        )
    return Header(mime, width, height)


def kind(mime: str) -> str:
    """The format's name for people."""
    return {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}[mime]


def _png_size(data: bytes) -> tuple[int, int]:
    length, name, width, height = struct.unpack_from(">I4sII", data, 8)
    if (length, name) != (13, b"IHDR"):
        raise _Broken("it does not begin with an IHDR chunk")
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """The size stands in the first frame header; ITU-T T.81, B.2.2."""
    try:
        for marker, at in jpeg_markers.markers(data):
            if marker in jpeg_markers.FRAMES:
                height, width = struct.unpack_from(">HH", data, at + 3)
                return width, height
            if marker == jpeg_markers.START_OF_SCAN:
                break
    except jpeg_markers.NoMarker:
        raise _Broken("something else stands where a marker has to") from None
    raise _Broken("it has no frame header")


#: In a VP8X chunk: the file holds an animation.
_ANIMATION = 0x02


def _webp_size(data: bytes) -> tuple[int, int]:
    """The size stands in the first chunk, which is one of three; RFC 9649, 2.5 to 2.7."""
    first = data[12:16]
    if first == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise _Broken("it has no key frame")
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if first == b"VP8L":
        if data[20] != 0x2F:
            raise _Broken("it has no lossless picture")
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if first == b"VP8X":
        if data[20] & _ANIMATION:
            raise _Broken("it is an animation; save one frame of it as a picture")
        width = int.from_bytes(data[24:27], "little") + 1
        (height,) = struct.unpack("<I", data[27:30] + b"\0")
        return width, height + 1
    raise _Broken("it does not begin with a picture")


_SIZES: Mapping[str, Callable[[bytes], tuple[int, int]]] = {
    "image/png": _png_size,
    "image/jpeg": _jpeg_size,
    "image/webp": _webp_size,
}
