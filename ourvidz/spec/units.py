"""Quantities as people write them: ``1024x1024``, ``5s``, ``20MB``.

Every type here is a plain value in Python and a text in YAML and JSON, and goes from one to the
other without loss.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

#: The validation context of values that people wrote: there a bare number has no unit and is refused.
WRITTEN = "written"

_RESOLUTION = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}


@dataclass(frozen=True, order=True, slots=True)
class Resolution:
    """A picture's size in pixels, width first."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        return self.width * self.height


def parse_resolution(value: object) -> Resolution:
    """Read ``WIDTHxHEIGHT`` in pixels. Raises ValueError for anything else."""
    if isinstance(value, Resolution):
        return value
    match = _RESOLUTION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected WIDTHxHEIGHT in pixels, such as 1024x1024")
    return Resolution(int(match[1]), int(match[2]))


def parse_seconds(value: object) -> float:
    """Read a time such as ``5s``, ``250ms``, ``2min`` or ``1h``, in seconds.

    A number passes when it comes from Python; a text needs its unit.
    """
    return _quantity(value, _SECONDS, "a time with its unit, such as 5s, 250ms, 2min or 1h")


def parse_bytes(value: object) -> int:
    """Read a size such as ``20MB``, in bytes; units are powers of 1024, so 20MB is 20·2²⁰."""
    scales = {unit: float(scale) for unit, scale in _BYTES.items()}
    return round(_quantity(value, scales, "a size with its unit, such as 20MB or 10.5GB"))


def _quantity(value: object, units: dict[str, float], expected: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected {expected}")
    if match[2] not in units:
        missing = f"the unit {match[2]!r} is not known" if match[2] else "the unit is missing"
        raise ValueError(f"{missing}, expected {expected}")
    return float(match[1]) * units[match[2]]


def format_seconds(seconds: float) -> str:
    """Write a time in seconds the way a spec has it: ``5s``, ``0.25s``."""
    return f"{seconds:g}s" if seconds < 1e6 else f"{seconds:.0f}s"


def format_bytes(size: int) -> str:
    """Write a number of bytes in the largest unit that divides it: ``20MB``."""
    for unit in ("GB", "MB", "KB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def _written_seconds(value: object, info: ValidationInfo) -> float:
    return parse_seconds(_with_unit(value, info))


def _written_bytes(value: object, info: ValidationInfo) -> int:
    return parse_bytes(_with_unit(value, info))


def _with_unit(value: object, info: ValidationInfo) -> object:
    return str(value) if info.context == WRITTEN and isinstance(value, int | float) else value


def _text_schema(pattern: str, *examples: str) -> Any:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


ResolutionField = Annotated[
    Resolution,
    BeforeValidator(parse_resolution),
    PlainSerializer(str, return_type=str),
    _text_schema(r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", "1024x1024", "832x480"),
]
Seconds = Annotated[
    float,
    BeforeValidator(_written_seconds),
    PlainSerializer(format_seconds, return_type=str),
    _text_schema(r"^[0-9]+(\.[0-9]+)? ?(ms|s|min|h)$", "5s", "90s", "5min"),
]
Bytes = Annotated[
    int,
    BeforeValidator(_written_bytes),
    PlainSerializer(format_bytes, return_type=str),
    _text_schema(r"^[0-9]+(\.[0-9]+)? ?(B|KB|MB|GB)$", "20MB", "10.5GB"),
]
