"""Pictures: looked at before they count, then encoded without a change to their pixels."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from ourvidz.plugins.family import ImageArtifact, OutputInvalid
from ourvidz.spec.units import Resolution

if TYPE_CHECKING:
    from PIL.Image import Image

#: A picture with no level above this one is black. Numbers that overflowed and filters that blank a
#: picture give 0 everywhere; a painted night, however dark, has lights brighter than video's black, 16.
BLACK = 16

#: zlib's level for PNG: a 1024×1024 picture in 0.1 s, 5 to 15 % larger than the default's in 0.3 s.
PNG_COMPRESSION = 1

#: WebP quality of thumbnails; above it files grow faster than anybody sees.
THUMBNAIL_QUALITY = 85


def check_image(artifact: ImageArtifact, size: Resolution) -> None:
    """Raises OutputInvalid if it has not the size that was asked for, or shows nothing."""
    image, name = artifact.image, f"image {artifact.index} (seed {artifact.seed})"
    if image.mode != "RGB":
        raise OutputInvalid(f"{name} has mode {image.mode}, expected RGB")
    if image.size != (size.width, size.height):
        raise OutputInvalid(f"{name} is {image.width}x{image.height}, expected {size}")
    counts = [image.getchannel(channel).histogram() for channel in "RGB"]
    if not any(any(levels[BLACK + 1 :]) for levels in counts):
        raise OutputInvalid(f"{name} is black")
    if all(max(levels) == size.pixels for levels in counts):
        raise OutputInvalid(f"{name} has one single colour")


def encode_png(image: Image, parameters: Mapping[str, JsonValue]) -> bytes:
    """Encode an RGB picture, with ``parameters`` as JSON in the text chunk of the same name."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    # Latin letters become a tEXt chunk, which every reader knows, and others an iTXt chunk.
    info.add_text("parameters", json.dumps(parameters, ensure_ascii=False))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=PNG_COMPRESSION, pnginfo=info)
    return file.getvalue()


def encode_thumbnail(image: Image, longest_side: int) -> bytes:
    """Encode a WebP of at most ``longest_side`` pixels either way; a smaller picture keeps its size."""
    from PIL.Image import Resampling

    small = image.copy()
    small.thumbnail((longest_side, longest_side), Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=THUMBNAIL_QUALITY)
    return file.getvalue()
