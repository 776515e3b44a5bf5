"""Reads an init image: from a file to a picture of the job's size, with what is told of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from ourvidz.plugins.init_images.decoding import decode
from ourvidz.plugins.init_images.fitting import fit
from ourvidz.plugins.init_images.header import InputInvalid, read_header
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.units import Resolution

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class InitPicture:
    """An init image as a model starts from it."""

    image: Image
    """RGB, of exactly the job's size."""
    facts: Mapping[str, JsonValue]
    """What stands in a result: ``sha256`` of the file, ``type``, upright ``size``, and ``fit``."""


def read_init_image(file: Path, rules: InitImage, size: Resolution, *, name: str) -> InitPicture:
    """Read a file as an init image. ``name`` is what messages call it. Raises InputInvalid."""
    data = read_file(file, rules, name=name)
    header = read_header(name, data, rules)
    picture = decode(name, data, header)
    facts: dict[str, JsonValue] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "type": header.mime,
        "size": f"{picture.width}x{picture.height}",
        "fit": rules.fit,
    }
    return InitPicture(image=fit(picture, size, rules.fit), facts=facts)


def read_file(file: Path, rules: InitImage, *, name: str) -> bytes:
    """The bytes of a file, one more than the rules allow at most. Raises InputInvalid."""
    try:
        with open(file, "rb", opener=_without_waiting) as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise InputInvalid(f"{name}: found a pipe or a device, expected a picture's file")
            return opened.read(rules.max_size + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputInvalid(f"{name}: cannot be read: {why}") from None


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to would be waited for, for ever."""
    return os.open(path, flags | os.O_NONBLOCK)
