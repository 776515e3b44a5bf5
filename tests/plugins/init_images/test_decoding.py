"""Every kind of PNG, JPEG and WebP becomes the RGB picture that a person would see."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, ImageOps

from ourvidz.plugins.init_images.decoding import decode
from ourvidz.plugins.init_images.header import read_header
from ourvidz.spec.job_type import InitImage
from tests.plugins.init_images.files import chunk, exif, landscape, png, saved

WHITE = (255, 255, 255)


def read(data: bytes) -> Image.Image:
    return decode("photo", data, read_header("photo", data, InitImage()))


def colours(data: bytes) -> list[tuple[int, ...]]:
    """Every pixel's red, green and blue."""
    picture = read(data)
    assert picture.mode == "RGB"
    values = picture.tobytes()
    return [tuple(values[at : at + 3]) for at in range(0, len(values), 3)]


def greys(data: bytes) -> list[int]:
    found = colours(data)
    assert all(len(set(colour)) == 1 for colour in found)
    return [colour[0] for colour in found]


@pytest.mark.parametrize(
    ("depth", "samples", "levels"),
    [
        (1, [0, 1], [0, 255]),
        (2, [0, 1, 2, 3], [0, 85, 170, 255]),
        (4, [0, 7, 15], [0, 119, 255]),
        (8, [0, 7, 255], [0, 7, 255]),
        (16, [0, 0x00FF, 0x0100, 0x8081, 0xFFFF], [0, 0, 1, 128, 255]),
    ],
)
def test_grey_of_every_depth_keeps_its_scale(depth: int, samples: list[int], levels: list[int]) -> None:
    assert greys(png([samples], colour="grey", depth=depth)) == levels


@pytest.mark.parametrize(
    ("depth", "samples", "key", "levels"),
    [
        (1, [0, 1], 0, [255, 255]),
        (2, [0, 1, 2], 1, [0, 255, 170]),
        (4, [0, 7, 8], 7, [0, 255, 136]),
        (8, [0, 7, 8], 7, [0, 255, 8]),
        (16, [0, 0x0701, 0x0702], 0x0701, [0, 255, 7]),
    ],
)
def test_the_grey_that_counts_as_transparent_is_white(
    depth: int, samples: list[int], key: int, levels: list[int]
) -> None:
    transparent = chunk(b"tRNS", struct.pack(">H", key))
    assert greys(png([samples], colour="grey", depth=depth, before=[transparent])) == levels


def test_colours_of_8_and_16_bits() -> None:
    row = [1, 2, 3, 250, 251, 252]
    expected = [(1, 2, 3), (250, 251, 252)]
    assert colours(png([row], colour="rgb")) == expected
    assert colours(png([[256 * one + 9 for one in row]], colour="rgb", depth=16)) == expected


@pytest.mark.parametrize(("depth", "factor"), [(8, 1), (16, 256)])
def test_the_colour_that_counts_as_transparent_is_white(depth: int, factor: int) -> None:
    row = [factor * one for one in (1, 2, 3, 250, 251, 252)]
    transparent = chunk(b"tRNS", struct.pack(">3H", *row[:3]))
    assert colours(png([row], colour="rgb", depth=depth, before=[transparent])) == [WHITE, (250, 251, 252)]


def test_of_a_transparent_colour_of_16_bits_the_upper_8_count() -> None:
    row = [0x0105, 0x0206, 0x0307, 0x0105, 0x0206, 0x0308, 0x0205, 0x0206, 0x0307]
    transparent = chunk(b"tRNS", struct.pack(">3H", *row[:3]))
    data = png([row], colour="rgb", depth=16, before=[transparent])
    assert colours(data) == [WHITE, WHITE, (2, 2, 3)]


RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize(
    ("alphas", "shown"),
    [
        (b"", [RED, BLUE]),
        (b"\xff\0", [RED, WHITE]),
        (b"\0\xff", [WHITE, BLUE]),
        (b"\x80", [(227, 127, 127), BLUE]),
    ],
)
def test_palettes_with_and_without_transparency(
    depth: int, alphas: bytes, shown: list[tuple[int, int, int]]
) -> None:
    chunks = [chunk(b"PLTE", bytes([*RED, *BLUE])), *([chunk(b"tRNS", alphas)] if alphas else [])]
    assert colours(png([[0, 1, 1]], colour="palette", depth=depth, before=chunks)) == [*shown, shown[1]]


@pytest.mark.parametrize(("depth", "factor"), [(8, 1), (16, 257)])
def test_through_alpha_white_is_seen(depth: int, factor: int) -> None:
    row = [factor * one for one in (100, 0, 0, 255, 100, 0, 0, 0, 100, 0, 0, 51)]
    assert colours(png([row], colour="rgb_alpha", depth=depth)) == [(100, 0, 0), WHITE, (224, 204, 204)]
    row = [factor * one for one in (100, 255, 100, 0, 0, 51)]
    assert greys(png([row], colour="grey_alpha", depth=depth)) == [100, 255, 204]


@pytest.mark.parametrize("width", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("height", [1, 3, 9])
def test_an_interlaced_png_is_the_picture_that_it_is_without(width: int, height: int) -> None:
    rows = [[(7 * x + 31 * y) % 4 for x in range(width)] for y in range(height)]
    plain = png(rows, colour="grey", depth=2)
    assert greys(png(rows, colour="grey", depth=2, interlaced=True)) == greys(plain)


def nearly(colour: tuple[int, ...], expected: tuple[int, int, int], *, off: int = 3) -> bool:
    return all(abs(one - other) <= off for one, other in zip(colour, expected, strict=True))


@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_in_colour_and_in_grey(progressive: bool) -> None:
    colour = (180, 90, 40)
    data = saved(Image.new("RGB", (9, 7), colour), "JPEG", quality=95, progressive=progressive)
    assert all(nearly(one, colour) for one in colours(data))
    grey = saved(Image.new("L", (9, 7), 77), "JPEG", quality=95, progressive=progressive)
    assert all(nearly(one, (77, 77, 77)) for one in colours(grey))


def test_adobes_inverted_cmyk_is_not_a_negative() -> None:
    """Half cyan, a little black: a dull turquoise."""
    data = saved(Image.new("CMYK", (16, 16), (128, 0, 0, 51)), "JPEG", quality=100)
    assert b"Adobe" in data
    assert all(nearly(one, (102, 204, 204)) for one in colours(data))


def test_ycck_is_cmyk_in_other_coordinates() -> None:
    """Luma and chroma of the three inks, and black beside them, as Photoshop stores them."""
    cyan, magenta, yellow, black = 64, 128, 192, 51
    luma = round(0.299 * cyan + 0.587 * magenta + 0.114 * yellow)
    chroma = round(128 + 0.564 * (yellow - luma)), round(128 + 0.713 * (cyan - luma))
    # Pillow inverts what it writes.
    inverted = (*(255 - one for one in (luma, *chroma)), black)
    data = saved(Image.new("CMYK", (16, 16), inverted), "JPEG", quality=100)
    # Adobe's mark ends in the colour transform: 0 is CMYK, 2 is YCCK.
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    data = data[:at] + b"\2" + data[at + 1 :]
    red, green, blue = ((255 - ink) * (255 - black) // 255 for ink in (cyan, magenta, yellow))
    assert all(nearly(one, (red, green, blue)) for one in colours(data))


def test_what_a_camera_appends_to_a_jpeg_is_not_looked_at() -> None:
    data = saved(landscape(32, 24), "JPEG") + b"\xff\xda" * 1000
    assert read(data).size == (32, 24)


@pytest.mark.parametrize("lossless", [False, True])
def test_webps_with_and_without_loss(lossless: bool) -> None:
    picture = landscape(33, 21)
    shown = read(saved(picture, "WEBP", lossless=lossless, quality=95))
    assert shown.size == (33, 21)
    if lossless:
        assert shown.tobytes() == picture.tobytes()


def test_white_is_seen_through_a_webp() -> None:
    picture = Image.new("RGBA", (4, 4), (100, 0, 0, 51))
    assert set(colours(saved(picture, "WEBP", lossless=True))) == {(224, 204, 204)}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_the_way_up_that_it_was_taken(kind: str, order: str, orientation: int) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    stored = landscape(40, 24)
    data = saved(stored, kind, exif=exif(orientation, order), **options)
    with Image.open(io.BytesIO(data)) as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    assert expected.size == ((24, 40) if orientation > 4 else (40, 24))
    assert read(data).tobytes() == expected.tobytes()


@pytest.mark.parametrize("order", [">", "<"])
def test_an_orientation_may_be_a_long_number(order: str) -> None:
    data = saved(landscape(40, 24), "PNG", exif=exif(6, order, kind="I"))
    assert read(data).tobytes() == landscape(40, 24).transpose(Image.Transpose.ROTATE_270).tobytes()


def test_an_orientation_is_found_where_imagemagick_puts_it() -> None:
    block = exif(6)
    profile = f"\nexif\n{len(block):8}\n{block.hex()}\n"
    text = chunk(b"tEXt", b"Raw profile type exif\0" + profile.encode())
    assert colours(png([[*RED, *BLUE]], colour="rgb", before=[text])) == [RED, BLUE]
    assert read(png([[*RED, *BLUE]], colour="rgb", before=[text])).size == (1, 2)


def test_notes_as_large_as_no_camera_writes_are_not_read() -> None:
    stored = landscape(40, 24)
    assert read(saved(stored, "PNG", exif=exif(6).ljust(2**16, b"\0"))).size == (24, 40)
    assert read(saved(stored, "PNG", exif=exif(6).ljust(2**16 + 1, b"\0"))).tobytes() == stored.tobytes()


@pytest.mark.parametrize(
    ("colour", "depth", "row", "shown"),
    [
        ("grey", 16, [0x0701, 0x0801], [(7, 7, 7), (8, 8, 8)]),
        ("grey_alpha", 8, [7, 255, 8, 0], [(7, 7, 7), WHITE]),
        ("palette", 1, [0, 1], [(200, 0, 0), WHITE]),
        ("grey", 1, [0, 1], [(0, 0, 0), WHITE]),
    ],
)
def test_pictures_of_every_kind_are_turned(
    colour: str, depth: int, row: list[int], shown: list[tuple[int, ...]]
) -> None:
    chunks = [chunk(b"eXIf", exif(8).removeprefix(b"Exif\0\0"))]
    if colour == "palette":
        chunks += [chunk(b"PLTE", bytes([*RED, *BLUE])), chunk(b"tRNS", b"\xff\0")]
    data = png([row], colour=colour, depth=depth, before=chunks)
    assert read(data).size == (1, 2)
    assert colours(data) == shown[::-1]


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0MM\0*",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\0" * 24,
        exif(9),
        exif(0),
        exif(6)[:-9],
        b"not exif at all",
    ],
)
def test_a_damaged_exif_block_does_not_make_a_picture_unreadable(block: bytes) -> None:
    stored = landscape(40, 24)
    assert read(saved(stored, "PNG", exif=block)).tobytes() == stored.tobytes()
    assert read(saved(stored, "JPEG", exif=block)).size == stored.size


def test_no_limit_but_the_job_types_is_put_to_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would warn of half as many pixels as this, and warnings are errors here."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 24 * 3 // 4)
    for kind in ("PNG", "JPEG", "WEBP"):
        assert read(saved(landscape(40, 24), kind)).size == (40, 24)


def test_a_profile_is_not_applied() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    stored = landscape(40, 24)
    assert read(saved(stored, "PNG", icc_profile=profile)).tobytes() == stored.tobytes()
