"""From the bytes of a checked file to an upright, opaque RGB picture."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from ourvidz.plugins.init_images.header import Header, InputInvalid, kind
from ourvidz.plugins.init_images.jpeg_markers import count_scans
from ourvidz.plugins.init_images.png_data import check_png_data

if TYPE_CHECKING:
    from PIL.Image import Image

#: What is seen through transparent pixels.
BACKGROUND = (255, 255, 255)

#: A progressive JPEG is decoded once for each scan, even an empty one: of 50 megapixels in 50 ms and more.
#: Encoders make up to 30 of them, attackers thousands.
MAX_SCANS = 40

#: EXIF as bytes and as ImageMagick's lines of hexadecimal digits: as much as a segment of a JPEG holds.
#: Older versions of Pillow copy every tag's value even if they overlap: half a megabyte becomes gigabytes.
_NOTE_SIZES = {"exif": 2**16, "Raw profile type exif": 9 * 2**14}


def decode(name: str, data: bytes, header: Header) -> Image:
    """Decode what :func:`read_header` has let pass; the picture is RGB and the way up that it was taken.

    Transparent pixels show BACKGROUND. Of 16 bits the upper 8 count. Colour profiles are not applied:
    numbers are taken for sRGB, CMYK for its plain complement. Where a PNG of 16 bits for each of red, green
    and blue has a transparent colour, all colours of the same upper 8 bits count as that one: Pillow gives
    no others. Raises InputInvalid.
    """
    if header.mime == "image/png":
        check_png_data(name, data)
    elif header.mime == "image/jpeg" and count_scans(data, limit=MAX_SCANS + 1) > MAX_SCANS:
        raise InputInvalid(
            f"{name}: the JPEG has more than {MAX_SCANS} scans, for each of which it is decoded over; "
            "save it anew"
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns of metadata that it cannot read, none of which is used.
            warnings.simplefilter("ignore")
            picture = _open(data, header)
            _turn_upright(picture)
            return _opaque(picture, data)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  Pillow raises errors of many classes about damaged files
        raise InputInvalid(f"{name}: the {kind(header.mime)} is damaged: {error}") from None


def _open(data: bytes, header: Header) -> Image:
    """Decode with the reader of this one format, which sets no limit of its own to the size.

    ``PIL.Image.open`` would try others, and warn of a size that the job type allows.
    """
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    readers: dict[str, Callable[[io.BytesIO], Image]] = {
        "image/png": PngImageFile,
        "image/jpeg": JpegImageFile,
        "image/webp": WebPImageFile,
    }
    picture = readers[header.mime](io.BytesIO(data))
    if picture.size != (header.width, header.height):
        raise ValueError(f"it is {picture.width}x{picture.height} and says {header.width}x{header.height}")
    picture.load()
    return picture


def _opaque(picture: Image, data: bytes) -> Image:
    from PIL import Image

    picture = _eight_bits(picture, data)
    if "transparency" not in picture.info and picture.mode not in ("LA", "PA", "RGBA"):
        return picture.convert("RGB")
    with_alpha = picture.convert("RGBA")
    opaque = Image.new("RGB", picture.size, BACKGROUND)
    opaque.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return opaque


def _eight_bits(picture: Image, data: bytes) -> Image:
    """Bring the samples of a PNG, and the colour that counts as transparent, from its bits to eight."""
    if picture.format != "PNG":
        return picture
    depth, key = data[24], picture.info.get("transparency")
    if picture.mode in ("I", "I;16"):
        return _upper_bytes(picture.convert("I;16"), key)
    if key is None or picture.mode not in ("L", "RGB"):
        return picture
    if depth == 16:
        picture.info["transparency"] = tuple(sample >> 8 for sample in key)
    elif depth < 8:
        picture.info["transparency"] = key * 255 // (2**depth - 1)
    return picture


def _upper_bytes(picture: Image, key: int | None) -> Image:
    """Grey of 16 bits as grey of 8, transparent where it is ``key``. Pillow alone would clip it to white."""
    from PIL import Image, ImageChops

    samples = picture.tobytes()
    lower, upper = (Image.frombytes("L", picture.size, samples[one::2]) for one in (0, 1))
    if key is None:
        return upper
    is_other = [
        half.point([255 * (level != wanted) for level in range(256)])
        for half, wanted in ((lower, key & 0xFF), (upper, key >> 8))
    ]
    return Image.merge("LA", (upper, ImageChops.lighter(*is_other)))


def _turn_upright(picture: Image) -> None:
    """Turn the picture as EXIF or XMP say. A damaged note beside a picture does not make it unreadable."""
    from PIL import ImageOps

    for note, size in _NOTE_SIZES.items():
        if len(picture.info.get(note, "")) > size:
            del picture.info[note]
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  of many classes, too
        # What fails is reading the notes, or writing them anew, which comes after the turn.
        return
